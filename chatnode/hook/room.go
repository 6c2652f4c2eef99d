package hook

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// room is what waits to be delivered of one room, while this node owns its shard. Events.mu guards it, except that whoever has it
// engaged may read the queue's first event.
type room struct {
	feed backbone.Feed
	// ctx is the tap's: when it ends, the room is another owner's.
	ctx    context.Context
	unbind func() bool
	gone   bool
	// engaged: it waits for a worker, is served by one, or pauses.
	engaged bool
	timer   *time.Timer // of the pause; nil if there was none

	queue []waiting // oldest first
	rest  *rest     // what follows the queue, if not all of it is in memory

	// Of the event with that offset: how often it was tried, and since when.
	trying   uint64
	attempts int
	since    time.Time
	// taken are the keys of its requests that the receiver has taken. Whoever has the room engaged may use it.
	taken map[string]bool
}

// waiting is an event that waits in memory. Its hold is nil if an earlier event's keeps the tap's cursor before it.
type waiting struct {
	message *backbone.Message
	epoch   string
	hold    *hold
}

// hold keeps the tap's cursor before an offset until it is done.
type hold struct {
	offset uint64
	done   func()
}

// release lets the cursor go on.
func (h *hold) release() {
	if h != nil {
		h.done()
	}
}

// first gives the hold with the lower offset, and releases the other one.
func first(a, b *hold) *hold {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case b.offset < a.offset:
		a, b = b, a
	}
	b.release()
	return a
}

// rest is the part of what waits that is in the log only, to be read from there when the room gets so far. However long it is, it takes
// no memory, and what is erased meanwhile is not told any more.
type rest struct {
	after, until uint64 // offsets
	time         int64  // when its first event was stored, ms since 1970
	epoch        string
	hold         *hold // of the first event, for all of them
}

// newRoom needs e.mu, as everything below does.
func (e *Events) newRoom(ctx context.Context, feed backbone.Feed) *room {
	r := &room{feed: feed, ctx: ctx}
	r.unbind = context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.forget(r)
	})
	e.rooms[feed] = r
	return r
}

// forget drops a room and what waits in it.
func (e *Events) forget(r *room) {
	if r.gone {
		return
	}
	r.gone = true
	r.unbind()
	if r.timer != nil {
		r.timer.Stop()
	}
	for _, w := range r.queue {
		e.held -= w.message.Size()
	}
	r.queue, r.rest = nil, nil
	delete(e.rooms, r.feed)
	close(e.freed)
	e.freed = make(chan struct{})
}

// settled takes the first event off the queue, since it is taken or a dead letter, and lets the room go on.
func (e *Events) settled(r *room) {
	if r.gone {
		return
	}
	r.queue[0].hold.release()
	e.held -= r.queue[0].message.Size()
	r.queue = r.queue[1:]
	e.goOn(r)
}

// shelve leaves everything that waits to the log, and lets the room be served again after a time.
func (e *Events) shelve(r *room, d time.Duration) {
	if r.gone {
		return
	}
	head, last := r.queue[0], r.queue[len(r.queue)-1]
	s := &rest{after: head.message.Offset - 1, until: last.message.Offset, time: head.message.Time, epoch: head.epoch}
	if r.rest != nil {
		s.until, s.hold = r.rest.until, r.rest.hold
	}
	for _, w := range r.queue {
		s.hold = first(s.hold, w.hold)
		e.held -= w.message.Size()
	}
	r.queue, r.rest = nil, s
	e.pause(r, d)
}

// goOn lets a room be served again if something waits, and forgets it if nothing does.
func (e *Events) goOn(r *room) {
	if r.gone {
		return
	}
	r.engaged = false
	if len(r.queue) == 0 && r.rest == nil {
		e.forget(r)
		return
	}
	e.wake(r)
}

// pause lets a room be served again after a time.
func (e *Events) pause(r *room, d time.Duration) {
	if r.gone || e.closed {
		return
	}
	r.timer = time.AfterFunc(d, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		r.engaged = false
		e.wake(r)
	})
}

// oldest is when the first event that waits was stored, in ms since 1970.
func (r *room) oldest() int64 {
	if len(r.queue) > 0 {
		return r.queue[0].message.Time
	}
	if r.rest != nil {
		return r.rest.time
	}
	return time.Now().UnixMilli()
}

// backOff is the pause after so many failed attempts: twice as long each time, and at random between half of that and all of it.
func (b bounds) backOff(attempts int) time.Duration {
	d := b.lastPause
	if shift := attempts - 1; shift < 20 {
		d = min(b.firstPause<<shift, b.lastPause)
	}
	return d/2 + rand.N(d/2+1)
}
