package fanout

import (
	"context"
	"fmt"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// opening is a room's first moment, which all its first subscribers wait for.
type opening struct {
	done chan struct{}
	err  error // set before done is closed
}

// enter gives the feed's room, open, with the caller as one more user of it; see leave.
func (h *Hub) enter(ctx context.Context, feed backbone.Feed) (*room, error) {
	for {
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			return nil, ErrClosed
		}
		r := h.rooms[feed]
		if r == nil {
			r = &room{hub: h, feed: feed, opening: &opening{done: make(chan struct{})}, users: 1}
			h.rooms[feed] = r
			h.work.Go(r.open)
		}
		if r.closing != nil {
			h.mu.Unlock()
			if err := wait(ctx, r.closing); err != nil {
				return nil, err
			}
			continue
		}
		h.useLocked(r)
		first := r.opening
		h.mu.Unlock()
		if first == nil {
			return r, nil
		}
		err := wait(ctx, first.done)
		if err == nil {
			err = first.err
		}
		if err != nil {
			h.leave(r)
			return nil, fmt.Errorf("follow %s %q: %w", feed.Kind, feed.Name, err)
		}
		return r, nil
	}
}

func wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// use counts one more user of a room that has users: a member, a subscriber that waits, or a summary to be written.
func (h *Hub) use(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.useLocked(r)
}

func (h *Hub) useLocked(r *room) {
	r.users++
	if r.idle != nil {
		h.idle.Remove(r.idle)
		r.idle = nil
	}
}

// leave ends a use. A room without users lingers.
func (h *Hub) leave(r *room) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.users--; r.users == 0 && h.rooms[r.feed] == r {
		r.idle, r.idleSince = h.idle.PushBack(r), time.Now()
	}
}

// open follows the feed; it is itself a user of the room.
func (r *room) open() {
	h := r.hub
	ctx, cancel := context.WithTimeout(h.ctx, followTimeout)
	defer cancel()
	tail, err := h.src.Follow(ctx, r.feed, r)
	if err == nil {
		r.begin(tail)
	}
	h.mu.Lock()
	if err != nil {
		delete(h.rooms, r.feed)
	}
	first := r.opening
	r.opening = nil
	h.mu.Unlock()
	first.err = err
	close(first.done)
	h.leave(r)
}

// keepHouse closes rooms that lingered for long enough, forgets who is to be forgotten, and tries failed reads again.
func (h *Hub) keepHouse() {
	ticker := time.NewTicker(housekeeping)
	defer ticker.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
			for h.closeIdle() {
			}
			h.forgetDue()
			h.pump.again()
		}
	}
}

// closeIdle closes the room that is idle for longest, if that is long enough. Whoever wants to enter it meanwhile waits, so that a
// feed is never followed twice.
func (h *Hub) closeIdle() bool {
	h.mu.Lock()
	front := h.idle.Front()
	if front == nil || time.Since(front.Value.(*room).idleSince) < h.opts.Linger {
		h.mu.Unlock()
		return false
	}
	r := h.idle.Remove(front).(*room)
	r.idle, r.closing = nil, make(chan struct{})
	h.mu.Unlock()
	r.close()
	h.mu.Lock()
	delete(h.rooms, r.feed)
	h.mu.Unlock()
	close(r.closing)
	return true
}
