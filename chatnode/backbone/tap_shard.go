package backbone

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// tapRetryWait is the pause before a tap that stopped begins again.
	tapRetryWait = 1 * time.Second
	// tapDeposedWait is more than an owner takes to hear of its successor.
	tapDeposedWait = 10 * time.Second
	// cursorEvery is the least time between two writes of a cursor.
	cursorEvery = 1 * time.Second
	// cursorWait bounds one write, and lastCursor that at the end, for which the next owner waits.
	cursorWait = 2 * time.Second
	lastCursor = 200 * time.Millisecond
)

// errTapDeposed says that a later owner, in a new incarnation of the log, has the tap.
var errTapDeposed = errors.New("a later owner has the tap")

// errAnew says that the tap has lost what it had.
var errAnew = errors.New("it has lost what it had")

// tapping hands one shard's messages to one tap, from where the tap has got to.
type tapping struct {
	*tap
	o *owner
	// sure says that no later owner can be there, whatever the cursor says.
	sure bool

	mu     sync.Mutex
	undone list.List // of *handed, in the order of the log
	read   uint64    // everything up to it has been handed over
	time   int64     // when the last one was stored, ms since 1970

	saved    tapCursor
	revision uint64 // of the cursor's row
}

// handed is a message that the tap has in hand.
type handed struct {
	offset uint64
	time   int64
	done   bool
}

// run hands the shard's messages over until ctx ends, or something breaks.
func (g *tapping) run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var saver sync.WaitGroup
	if g.Anew != nil {
		anew := g.Anew()
		saver.Go(func() {
			select {
			case <-anew:
				stop(errAnew)
			case <-ctx.Done():
			}
		})
	}
	if err := g.begin(ctx); err != nil {
		stop(nil)
		saver.Wait()
		return err
	}
	if g.Begin == nil {
		saver.Go(func() { g.saveRegularly(ctx, stop) })
	}
	err := g.handAll(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	stop(nil)
	saver.Wait()
	last, cancel := context.WithTimeout(context.Background(), lastCursor)
	defer cancel()
	if e := g.save(last); e != nil {
		g.metrics.cursorErrors.Inc()
	}
	g.abandon()
	return err
}

// handAll reads the stream until the tap is near the owner, and then hands over what the owner reads, for as long as the tap keeps up.
func (g *tapping) handAll(ctx context.Context) error {
	for {
		q, err := g.readNear(ctx)
		if err == nil {
			err = g.follow(ctx, q)
		}
		g.o.relay.leave(q)
		if err != nil {
			return err
		}
	}
}

// readNear reads the shard's stream, from where the tap is, until what comes next is relayed. The reader is one of its own, on the connection
// that does not carry beacons.
func (g *tapping) readNear(ctx context.Context) (q *relayed, err error) {
	b := g.o.b
	r := reader{
		heartbeat: readHeartbeat,
		nc:        b.main, stream: b.layout.Stream(g.o.shard), prefix: b.layout.StoredPrefix(g.o.shard), inbox: b.layout.Inbox(b.id) + ".t",
		opened: g.opened, caughtUp: g.caughtUp,
		deliver: func(s stored) error {
			err := g.hand(ctx, s)
			if q == nil {
				q = g.o.relay.join(s.body.Offset)
			}
			if err == nil && q != nil && q.after <= s.body.Offset {
				err = errNear
			}
			return err
		},
	}
	if b.server != nil {
		r.heartbeat = aloneHeartbeat
	}
	if err = r.run(ctx, g.read+1); errors.Is(err, errNear) {
		err = nil
	}
	return q, err
}

// follow hands over what is relayed, until the tap is too slow for that.
func (g *tapping) follow(ctx context.Context, q *relayed) error {
	for {
		all, upTo, behind, err := q.take(ctx)
		if behind {
			g.metrics.behind.Inc()
		}
		if err != nil || behind {
			return err
		}
		for _, s := range all {
			if s.body.Offset <= g.read {
				continue // the owner has begun before where the tap was
			}
			if err := g.hand(ctx, s); err != nil {
				return err
			}
		}
		g.caughtUp(upTo)
	}
}

// opened checks the stream each time that the reader begins anew.
func (g *tapping) opened(state streamState) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if state.Last < g.read || !state.Created.Equal(g.o.lease.Created) {
		return errTruncated
	}
	return nil
}

// hand gives the tap the stream's next message.
func (g *tapping) hand(ctx context.Context, s stored) error {
	feed, ok := layout.ParseKey(g.o.shard.Kind, s.key)
	if !ok {
		g.skip(s.body.Offset) // not ours, whatever it is
		return ctx.Err()
	}
	h := &handed{offset: s.body.Offset, time: s.body.Time}
	g.mu.Lock()
	g.read, g.time = h.offset, h.time
	e := g.undone.PushBack(h)
	g.mu.Unlock()
	g.metrics.handed.Inc()
	g.metrics.undone.Inc()
	m := Tapped{Feed: feed, Epoch: g.o.lease.Epoch, Message: s.body, Done: func() { g.done(e) }}
	if err := g.to.Message(ctx, m); err != nil {
		return fmt.Errorf("hand message %d to the tap: %w", h.offset, err)
	}
	return ctx.Err()
}

func (g *tapping) done(e *list.Element) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if h, ok := e.Value.(*handed); ok && !h.done {
		h.done = true
		g.undone.Remove(e)
		g.metrics.undone.Dec()
	}
}

// abandon forgets what is not done: it will be handed over again.
func (g *tapping) abandon() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for e := g.undone.Front(); e != nil; e = g.undone.Front() {
		if h, ok := e.Value.(*handed); ok {
			h.done = true
		}
		g.undone.Remove(e)
		g.metrics.undone.Dec()
	}
}

// caughtUp notes that up to there is nothing more for the moment.
func (g *tapping) caughtUp(last uint64) {
	g.skip(last)
	if g.CaughtUp != nil {
		g.CaughtUp(g.o.shard, last)
	}
}

// skip notes that up to there is nothing more to hand over.
func (g *tapping) skip(last uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = max(g.read, last)
}

// reached is how far everything is done.
func (g *tapping) reached() tapCursor {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := tapCursor{Epoch: g.o.lease.Epoch, Term: g.o.lease.Term, Offset: g.read, Time: g.time}
	if front := g.undone.Front(); front != nil {
		if h, ok := front.Value.(*handed); ok {
			c.Offset, c.Time = h.offset-1, h.time
		}
	}
	return c
}

// saveRegularly writes the cursor every so often, until ctx ends; it stops everything if the tap is another owner's.
func (g *tapping) saveRegularly(ctx context.Context, stop context.CancelCauseFunc) {
	for sleep(ctx, cursorEvery) {
		write, cancel := context.WithTimeout(ctx, cursorWait)
		err := g.save(write)
		cancel()
		switch {
		case errors.Is(err, errTapDeposed):
			stop(err)
			return
		case err != nil && ctx.Err() == nil:
			g.metrics.cursorErrors.Inc()
		}
	}
}

// tapCursor says where a tap has got to in a shard, as JSON in its row.
type tapCursor struct {
	Epoch string `json:"epoch"`
	// Term is that of the owner that wrote it.
	Term uint64 `json:"term"`
	// Offset: everything up to it is done. Everything done was stored before Time or in that millisecond, in ms since 1970.
	Offset uint64 `json:"offset"`
	Time   int64  `json:"time"`
}

func parseTapCursor(raw []byte) (c tapCursor, err error) {
	if err = json.Unmarshal(raw, &c); err != nil {
		err = fmt.Errorf("read the cursor of a tap: %w", err)
	}
	return c, err
}
