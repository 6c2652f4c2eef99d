package backbone

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Bounds of a tail.
const (
	// maxQueued is how many live messages of one feed may wait to be handled, and maxQueuedBytes how much they may take. What is
	// beyond is dropped and counted, and read from the log instead.
	maxQueued      = 4096
	maxQueuedBytes = 1 << 20
	// repairPage is how many messages one step of a repair reads.
	repairPage = 500
	// repairRetry is the pause after a repair that failed.
	repairRetry = 200 * time.Millisecond
)

// Tail follows one feed on this node. It turns live messages, of which core NATS may lose or double any, into a sequence without a
// hole, a double or a change of order: each message names its predecessor, what is missing is read from the log, and what was seen
// is dropped. A message that is lost without a successor is found by comparing heads; see Backbone.checkTails.
type Tail struct {
	b        *Backbone
	feed     Feed
	shard    layout.Shard
	follower Follower
	sub      *nats.Subscription // nil if the log is inside this process

	mu      sync.Mutex
	queue   [][]byte
	bytes   int
	hole    bool // something was dropped, or may be missing
	running bool // in the workers' hands, or waiting for them
	closed  bool
	head    Position
}

// Follow begins to follow a feed: everything up to the Tail's Head can be read with After and Before, everything later goes to the
// follower. It fails with ErrUnavailable if the feed's shard has no owner for longer than ctx or ten seconds.
func (b *Backbone) Follow(ctx context.Context, feed Feed, f Follower) (*Tail, error) {
	t := &Tail{b: b, feed: feed, shard: b.layout.ShardOf(feed), follower: f, running: true}
	if err := b.listen.add(t); err != nil {
		return nil, err
	}
	a, err := b.ask(ctx, t.shard, question{Op: "heads", Feed: feed.Key()})
	var head Position
	if err == nil {
		head, err = a.head()
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	t.mu.Lock()
	t.head = head
	t.mu.Unlock()
	t.rest()
	return t, nil
}

// Head is the position of the newest message that the follower was given; at first, the feed's head when Follow returned.
func (t *Tail) Head() Position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

// Close stops following. Calls of the follower that are under way, or about to begin, may still come.
func (t *Tail) Close() {
	t.mu.Lock()
	closed := t.closed
	t.closed, t.queue = true, nil
	t.mu.Unlock()
	if !closed {
		t.b.listen.remove(t)
	}
}

// push takes a live payload from the connection.
func (t *Tail) push(payload []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	if len(t.queue) >= maxQueued || t.bytes+len(payload) > maxQueuedBytes && len(t.queue) > 0 {
		t.b.metrics.liveDropped.Add(float64(len(t.queue) + 1))
		t.queue, t.bytes, t.hole = nil, 0, true
	} else {
		t.queue = append(t.queue, payload)
		t.bytes += len(payload)
	}
	t.wake()
}

// suspect says that messages may be missing.
func (t *Tail) suspect() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.hole = true
		t.wake()
	}
}

// wake brings the tail to the workers if there is work and they don't have it yet. The lock is held.
func (t *Tail) wake() {
	if !t.running && !t.closed && (t.hole || len(t.queue) > 0) {
		t.running = true
		t.b.listen.ready(t)
	}
}

// rest gives the tail back after work; new work that has come meanwhile brings it to the workers again.
func (t *Tail) rest() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = false
	t.wake()
}

// work handles everything that waits, in one batch. It runs on a worker, for one tail at a time.
func (t *Tail) work() {
	t.mu.Lock()
	queue, hole := t.queue, t.hole
	t.queue, t.bytes = nil, 0
	head := t.head
	t.mu.Unlock()
	if hole {
		t.b.metrics.holes.Inc()
		t.b.tasks.Go(func() { t.repair(queue) })
		return
	}
	batch := make([]*Message, 0, len(queue))
	for i, payload := range queue {
		if len(payload) > 0 && payload[0] == liveSignal {
			t.follower.Signal(payload[1:])
			continue
		}
		term, m, err := parseEnvelope(payload)
		switch {
		case err != nil:
			t.b.metrics.malformed.Inc()
		case !t.b.currentTerm(t.shard, term):
			t.b.metrics.zombies.Inc()
		case m.Offset <= head.Offset:
			t.b.metrics.doubles.Inc()
		case m.prev > head.Offset: // or unknown, which is greater than any offset
			t.deliver(batch, head)
			t.b.metrics.holes.Inc()
			t.b.tasks.Go(func() { t.repair(queue[i:]) })
			return
		default:
			head.Offset = m.Offset
			batch = append(batch, m)
			t.b.saw(t.shard, m.Offset)
		}
	}
	t.deliver(batch, head)
	t.rest()
}

// deliver gives a batch to the follower and moves the head. Only the goroutine that has the tail in hand calls it.
func (t *Tail) deliver(batch []*Message, head Position) {
	t.mu.Lock()
	closed := t.closed
	t.head = head
	t.mu.Unlock()
	if len(batch) > 0 && !closed {
		t.follower.Messages(batch)
	}
}

// repair reads what is missing from the log, then lets the tail go on with what was left of its queue.
func (t *Tail) repair(rest [][]byte) {
	for t.b.ctx.Err() == nil {
		t.mu.Lock()
		closed := t.closed
		t.hole = false
		t.mu.Unlock()
		if closed {
			return
		}
		more, err := t.fill()
		if err == nil && !more {
			break
		}
		if err != nil {
			t.b.metrics.repairErrors.Inc()
			sleep(t.b.ctx, repairRetry)
		}
	}
	t.mu.Lock()
	switch {
	case t.closed:
	case t.hole: // what was left is older than what was dropped meanwhile, and is read from the log as well
		t.b.metrics.liveDropped.Add(float64(len(rest)))
	default:
		t.queue = append(rest, t.queue...)
		for _, payload := range rest {
			t.bytes += len(payload)
		}
	}
	t.mu.Unlock()
	t.rest()
}

// fill reads one page from the head on, and reports whether there is more.
func (t *Tail) fill() (more bool, err error) {
	head := t.Head()
	page, err := t.b.After(t.b.ctx, t.feed, head.Offset, repairPage)
	if err != nil {
		return false, err
	}
	if page.Head.Epoch != head.Epoch {
		t.mu.Lock()
		t.head = page.Head
		t.mu.Unlock()
		t.b.metrics.resets.Inc()
		t.follower.Reset(page.Head)
		return false, nil
	}
	head.Offset = page.End
	if !page.More {
		head.Offset = max(head.Offset, page.Head.Offset) // what lies between is erased or discarded
	}
	t.b.metrics.repaired.Add(float64(len(page.Messages)))
	t.deliver(page.Messages, head)
	return page.More, nil
}
