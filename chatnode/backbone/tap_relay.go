package backbone

import (
	"context"
	"errors"
	"sync"
)

// Bounds of what the owner has read and a tap has not been handed: beyond them the tap reads the stream by itself again.
const (
	maxRelayed      = 1024
	maxRelayedBytes = 1 << 20
	// relayNear is how close a tap has to come to the owner before it is kept what the owner reads.
	relayNear = maxRelayed / 4
)

// errNear says that what comes next for a tap is in its relay.
var errNear = errors.New("what comes next is relayed")

// relay passes on what the owner reads to the taps that keep up with it, so that the log's server gives it out once. It waits for none of them.
type relay struct {
	mu   sync.Mutex
	last uint64 // everything up to it was passed on, or was there before
	to   map[*relayed]struct{}
}

// relayed is what waits for one tap: everything after an offset, in order.
type relayed struct {
	after uint64
	woken chan struct{}

	mu     sync.Mutex
	queue  []stored
	upTo   uint64 // up to it the stream has nothing but what was passed on
	bytes  int
	behind bool
}

// begin says from where on the owner reads.
func (r *relay) begin(after uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = after
}

// join gives a tap that has read so far its relay; nil if it is not near enough to the owner yet.
func (r *relay) join(read uint64) *relayed {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last > read+relayNear {
		return nil
	}
	q := &relayed{after: r.last, upTo: r.last, woken: make(chan struct{}, 1)}
	if r.to == nil {
		r.to = map[*relayed]struct{}{}
	}
	r.to[q] = struct{}{}
	return q
}

func (r *relay) leave(q *relayed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.to, q)
}

// pass takes the stream's next message.
func (r *relay) pass(s stored) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = s.body.Offset
	for q := range r.to {
		q.put(s)
	}
}

// skip says that there is nothing more up to a sequence.
func (r *relay) skip(last uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = max(r.last, last)
	for q := range r.to {
		q.skip(r.last)
	}
}

func (q *relayed) put(s stored) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer signal(q.woken)
	q.upTo = s.body.Offset
	if len(q.queue) == maxRelayed || q.bytes > maxRelayedBytes {
		q.behind = true
	}
	if q.behind {
		q.queue = nil
		return
	}
	q.queue, q.bytes = append(q.queue, s), q.bytes+s.body.Size()
}

func (q *relayed) skip(last uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.upTo = max(q.upTo, last)
	signal(q.woken)
}

// take waits for what was passed on since the last time, and says up to where that is all; behind if it was too much.
func (q *relayed) take(ctx context.Context) (all []stored, upTo uint64, behind bool, err error) {
	select {
	case <-q.woken:
	case <-ctx.Done():
		return nil, 0, false, ctx.Err()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all, q.queue, q.bytes = q.queue, nil, 0
	return all, q.upTo, q.behind, nil
}
