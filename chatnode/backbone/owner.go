package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Rhythm and bounds of an owner.
const (
	checkpointEvery    = 10 * time.Second
	checkpointMessages = 20_000
	// storeWait bounds one access to the index's bucket: when its leader is lost, the next attempt should come soon.
	storeWait = 1 * time.Second
	// lastCheckpoint bounds the checkpoint of an owner that ends.
	lastCheckpoint = 300 * time.Millisecond
	// maxAnswering is how many questions to one shard are worked on at a time; further ones are told to try again.
	maxAnswering = 64
	// coverWait is how long a question may wait for the reader to reach what the asker has seen.
	coverWait = 1 * time.Second
	// positionWait is how long it waits for a position that may never come.
	positionWait = 200 * time.Millisecond
)

var errTruncated = errors.New("the stream is shorter than it was")

// owner reads one shard's stream in order, keeps its index, republishes each new message to the nodes that listen, and answers
// questions about the index. There is one owner of a shard at a time; a former one that does not know it yet is recognised by its
// term.
type owner struct {
	b     *Backbone
	shard layout.Shard
	lease lease
	// from is the sequence up to which earlier owners have dispatched.
	from uint64
	// before is the stream's last sequence as this owner began: earlier owners' answers may have told of everything up to it.
	before uint64

	index  *index.Index
	ledger *ledger
	recall recall
	relay  relay
	// first is the stream's first sequence, as the reader found it. Everything before floor is discarded, as was found when first was
	// trimmed.
	first          atomic.Uint64
	floor, trimmed uint64
	// read is how far the stream has been read: into the index and, beyond from, out to the listeners.
	read    progress
	answers chan struct{}
	stop    context.CancelFunc
	done    chan struct{}
	buffer  []byte
}

// start begins to own a shard.
func (b *Backbone) startOwner(shard layout.Shard, l lease) *owner {
	ctx, cancel := context.WithCancel(b.ctx)
	o := &owner{
		b: b, shard: shard, lease: l, from: l.Position,
		answers: make(chan struct{}, maxAnswering), stop: cancel, done: make(chan struct{}),
	}
	go func() {
		defer close(o.done)
		defer cancel()
		switch err := o.run(ctx); {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, index.ErrDeposed):
			b.log.Info("another node owns a shard now", "shard", shard.String(), "term", l.Term)
		default:
			b.log.Error("stopped owning a shard", "shard", shard.String(), "term", l.Term, "error", err)
		}
	}()
	return o
}

// run owns the shard until ctx ends or something is beyond repair.
func (o *owner) run(ctx context.Context) error {
	state, err := o.openIndex(ctx)
	if err != nil {
		return err
	}
	defer o.closeIndex()
	o.before = max(o.from, state.Last)
	var background sync.WaitGroup
	defer background.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sub, err := o.b.live.Subscribe(o.b.layout.Ask(o.shard), func(m *nats.Msg) { o.question(ctx, m) })
	if err != nil {
		return fmt.Errorf("subscribe to questions: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	background.Go(func() { o.checkpoints(ctx) })
	background.Go(func() { o.ledger.run(ctx) })
	background.Go(func() { o.ledger.eraseAll(ctx, func() { cancel(errPutOff) }) })
	o.b.log.Debug("own a shard", "shard", o.shard.String(), "term", o.lease.Term, "from", o.from, "last", state.Last)

	heartbeat := readHeartbeat
	if o.b.server != nil {
		heartbeat = aloneHeartbeat
	}
	// The index may know messages that its former owner did not dispatch, or of which no beacon has told.
	after := min(o.index.Covered(), o.from)
	o.relay.begin(after)
	background.Go(func() { o.runTaps(ctx) })
	r := reader{
		heartbeat: heartbeat,
		nc:        o.b.live, stream: o.b.layout.Stream(o.shard), prefix: o.b.layout.StoredPrefix(o.shard), inbox: o.b.layout.Inbox(o.b.id) + ".r",
		opened: o.opened, deliver: func(s stored) error { return o.take(ctx, s) }, caughtUp: o.caughtUp,
	}
	err = r.run(ctx, after+1)
	if errors.Is(context.Cause(ctx), errPutOff) {
		return errPutOff
	}
	return err
}

func (o *owner) openIndex(ctx context.Context) (streamState, error) {
	for {
		state, err := streamInfo(ctx, o.b.live, o.b.layout.Stream(o.shard))
		if err == nil {
			o.index, err = index.Open(ctx, o.b.indexStore, o.shard, index.Options{
				Incarnation:  state.Created.UTC().Format(time.RFC3339Nano) + "/" + o.lease.Epoch,
				Last:         state.Last,
				Term:         o.lease.Term,
				StoreTimeout: storeWait,
			})
			if err == nil {
				o.ledger = newLedger(o.b, o.shard, o.index)
				return state, nil
			}
		}
		o.b.log.Warn("cannot open the index of a shard yet", "shard", o.shard.String(), "error", err)
		if !sleep(ctx, readRetryWait) {
			return streamState{}, ctx.Err()
		}
	}
}

// closeIndex saves what it can, so that the next owner has less to read again.
func (o *owner) closeIndex() {
	ctx, cancel := context.WithTimeout(context.Background(), lastCheckpoint)
	defer cancel()
	if err := o.index.Checkpoint(ctx, o.ledger.settled(o.read.at())); err != nil {
		o.b.metrics.checkpointErrors.Inc()
	}
	o.index.Close()
}

// opened checks the stream each time that the reader begins anew.
func (o *owner) opened(state streamState) error {
	if state.Last < o.position() || !state.Created.Equal(o.lease.Created) {
		return errTruncated
	}
	o.first.Store(state.First)
	return nil
}

// caughtUp is told that there is nothing more up to the sequence. A replica that is far behind says so of less than was discarded; what it
// gives later may tell of messages before the first one.
func (o *owner) caughtUp(last uint64) {
	if first := o.first.Load(); first <= last+1 && o.index.Covered()+1 < first {
		o.index.Skip(first)
	}
	o.read.set(last)
	o.relay.skip(last)
}

// position is what beacons show: everything up to it has been dispatched, by this owner or an earlier one.
func (o *owner) position() uint64 { return max(o.from, o.read.at()) }

// take handles the stream's next message: into the index, and out to the listeners unless an earlier owner has done that.
func (o *owner) take(ctx context.Context, s stored) error {
	if err := o.fillGap(ctx, s); err != nil {
		return fmt.Errorf("look for erased messages: %w", err)
	}
	prev, known, err := o.index.Add(s.key, index.Entry{Seq: s.body.Offset, Time: s.body.Time, ID: idHash(s.id)})
	if err != nil {
		return fmt.Errorf("add to the index: %w", err)
	}
	if s.body.Offset > o.from {
		s.body.prev = prev
		if !known {
			s.body.prev = unknownPrev
		}
		if err := o.dispatch(s); err != nil {
			return fmt.Errorf("dispatch: %w", err)
		}
	}
	// Nobody who hears of the message waits for this, which may have to ask the store.
	if err := o.ledger.note(ctx, s); err != nil {
		return fmt.Errorf("add to the ledger: %w", err)
	}
	o.read.set(s.body.Offset)
	o.relay.pass(s)
	return ctx.Err()
}

// dispatch sends a message to the nodes that listen. A log inside this process has no other one.
func (o *owner) dispatch(s stored) error {
	o.b.metrics.dispatched.Inc()
	subject := o.b.layout.LivePrefix(o.shard) + s.key
	if o.b.server != nil {
		if t := o.b.listen.tail(subject); t != nil {
			t.push(appendEnvelope(nil, o.lease.Term, s.body))
		}
		return nil
	}
	o.buffer = appendEnvelope(o.buffer[:0], o.lease.Term, s.body)
	return o.b.live.Publish(subject, o.buffer)
}

// checkpoints writes the index down every so often.
func (o *owner) checkpoints(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, at := o.index.Covered(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			o.trim(ctx)
			covered := o.ledger.settled(o.read.at())
			if covered == last || now.Sub(at) < checkpointEvery && covered-last < checkpointMessages {
				continue
			}
			if err := o.index.Checkpoint(ctx, covered); err != nil {
				o.b.metrics.checkpointErrors.Inc()
				continue
			}
			last, at = covered, now
		}
	}
}

// question answers one question in a goroutine of its own, since it may have to read cold pages of the index.
func (o *owner) question(ctx context.Context, m *nats.Msg) {
	select {
	case o.answers <- struct{}{}:
	default:
		o.respond(m, answer{Retry: "too many questions"})
		return
	}
	go func() {
		defer func() { <-o.answers }()
		var q question
		if err := json.Unmarshal(m.Data, &q); err != nil {
			o.respond(m, answer{Retry: "malformed question"})
			return
		}
		a, err := o.answer(ctx, q)
		if err != nil {
			a = answer{Retry: err.Error()}
		}
		o.respond(m, a)
	}()
}

func (o *owner) respond(m *nats.Msg, a answer) {
	a.Term, a.Epoch = o.lease.Term, o.lease.Epoch
	raw, err := json.Marshal(a)
	if err == nil {
		err = m.Respond(raw)
	}
	if err != nil {
		o.b.metrics.unanswered.Inc()
	}
}

func (o *owner) answer(ctx context.Context, q question) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, coverWait)
	defer cancel()
	if err := o.read.wait(ctx, max(q.Covers, o.before)); err != nil {
		return answer{}, errors.New("its reader is behind")
	}
	if q.Offset > o.read.at() {
		// The asker's client may have seen what this reader is about to read, or a position of a log that was cut short.
		brief, cancel := context.WithTimeout(ctx, positionWait)
		_ = o.read.wait(brief, q.Offset)
		cancel()
	}
	feeds := q.Feeds
	if q.Feed != "" {
		feeds = append(feeds, q.Feed)
	}
	a.Position = o.read.at()
	// The heads are read before the page: what comes between is then in the page, or arrives live, but is never missing.
	for _, feed := range feeds[:min(len(feeds), maxFeedsAsked)] {
		head, _, err := o.index.Head(ctx, feed)
		if err != nil {
			return answer{}, err
		}
		a.Heads = append(a.Heads, head.Seq)
	}
	return a, o.reply(ctx, q, &a)
}

// reply fills in what was asked for.
func (o *owner) reply(ctx context.Context, q question, a *answer) (err error) {
	switch q.Op {
	case "heads":
		return nil
	case "after":
		a.Offsets, a.More, a.Complete, err = o.index.After(ctx, q.Feed, q.Offset, q.Limit)
		a.Hidden = o.ledger.hiddenOf(a.Offsets)
		return err
	case "before":
		a.Offsets, a.More, a.Complete, err = o.index.Before(ctx, q.Feed, q.Offset, q.Limit)
		a.Hidden = o.ledger.hiddenOf(a.Offsets)
		return err
	case "find":
		a.Offsets, err = o.index.Find(ctx, q.Feed, q.ID, time.UnixMilli(q.Since))
		return err
	}
	if err := o.ledger.settle(ctx); err != nil {
		return errors.New("its ledger is behind")
	}
	switch q.Op {
	case "messages":
		a.Rows, a.More, err = o.ledger.rows(ctx, q)
	case "message":
		a.Rows, err = o.ledger.row(ctx, q)
	case "unread":
		if q.Moment != nil {
			changes := o.ledger.touched.since(*q.Moment, q.Limit)
			a.Changes = &changes
		}
		a.Unread, err = o.ledger.unread(ctx, q.Unread)
	case "erased":
		a.Offsets, err = o.ledger.erased(ctx, q.Offsets)
	default:
		err = fmt.Errorf("unknown question %q", q.Op)
	}
	return err
}

// progress is a position that only grows, set by one goroutine, and can be waited for.
type progress struct {
	value atomic.Uint64

	mu      sync.Mutex
	changed chan struct{} // closed at the next change, if anybody waits
}

func (p *progress) at() uint64 { return p.value.Load() }

func (p *progress) set(v uint64) {
	if v <= p.value.Load() {
		return
	}
	p.value.Store(v)
	p.mu.Lock()
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
	p.mu.Unlock()
}

// wait returns when the position has reached until.
func (p *progress) wait(ctx context.Context, until uint64) error {
	for p.at() < until {
		p.mu.Lock()
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		if p.at() >= until {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
	return nil
}
