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

	queue []backbone.Tapped // oldest first
	rest  *rest             // what follows the queue, if not all of it fits

	// Of the first event.
	attempts int
	since    time.Time // of the first attempt
}

// rest is the part of what waits that is in the log only, to be read from there when the room gets so far. However long it is, it takes
// no memory; the tap's cursor can't pass its first event, which is not done.
type rest struct {
	after, until uint64 // offsets
	time         int64  // when its first event was stored, ms since 1970
	epoch        string
	done         func() // of the first event
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
	for _, m := range r.queue {
		e.held -= m.Message.Size()
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
	r.queue[0].Done()
	e.held -= r.queue[0].Message.Size()
	r.queue = r.queue[1:]
	r.attempts = 0
	e.goOn(r)
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
		return r.queue[0].Message.Time
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
