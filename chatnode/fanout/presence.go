package fanout

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// shown is what presence remembers of a room. It is guarded by presence.mu.
type shown struct {
	queued  bool
	written time.Time
	digest  uint64 // of the summary written last; 0: none is stored
}

// presence writes the summaries of rooms whose presence changed: each at most once in presenceInterval.
type presence struct {
	hub     *Hub
	writing sync.Mutex // so that an older summary never follows a newer one; taken before all others

	mu    sync.Mutex
	queue []*room // each is in use (Hub.use) while it is queued
}

// changed notes that somebody came to the room or left it. The caller is still a user of the room, and the room is not locked.
func (p *presence) changed(r *room) {
	p.hub.use(r)
	p.mu.Lock()
	if r.shown == nil {
		r.shown = &shown{}
	}
	queued := r.shown.queued
	if !queued {
		r.shown.queued = true
		p.queue = append(p.queue, r)
	}
	p.mu.Unlock()
	if queued {
		p.hub.leave(r)
	}
}

// keepWriting writes what changed until the hub is closed.
func (p *presence) keepWriting() {
	ticker := time.NewTicker(housekeeping)
	defer ticker.Stop()
	for {
		select {
		case <-p.hub.ctx.Done():
			return
		case now := <-ticker.C:
			p.write(p.hub.ctx, now)
		}
	}
}

// flush writes all that changed, for a limited time.
func (p *presence) flush() {
	ctx, cancel := context.WithTimeout(p.hub.ctx, flushTimeout)
	defer cancel()
	p.write(ctx, time.Time{})
}

// due takes from the queue the rooms whose turn has come; all, if now is zero.
func (p *presence) due(now time.Time) []*room {
	p.mu.Lock()
	defer p.mu.Unlock()
	var due, later []*room
	for _, r := range p.queue {
		if now.IsZero() || now.Sub(r.shown.written) >= presenceInterval {
			r.shown.queued, r.shown.written = false, now
			due = append(due, r)
		} else {
			later = append(later, r)
		}
	}
	p.queue = later
	return due
}

// write writes the summaries that are due, some at a time. What fails is queued again, and so is all the rest then.
func (p *presence) write(ctx context.Context, now time.Time) {
	p.writing.Lock()
	defer p.writing.Unlock()
	var failed atomic.Bool
	var writers sync.WaitGroup
	slots := make(chan struct{}, presenceWriters)
	for _, r := range p.due(now) {
		slots <- struct{}{}
		writers.Go(func() {
			defer func() { <-slots }()
			if failed.Load() {
				p.changed(r)
			} else if err := p.writeOne(ctx, r); err != nil {
				p.hub.counts.presenceFailures.Add(1)
				if !failed.Swap(true) && p.hub.ctx.Err() == nil {
					p.hub.opts.Logger.Warn("presence is written later", "room", r.feed.Name, "error", err)
				}
				p.changed(r)
			}
			p.hub.leave(r)
		})
	}
	writers.Wait()
}

// writeOne writes the room's summary unless it is the one that is stored.
func (p *presence) writeOne(ctx context.Context, r *room) error {
	sum := r.summary()
	var data []byte
	var digest uint64
	if sum.NumClients > 0 {
		var err error
		if data, err = json.Marshal(sum); err != nil {
			return fmt.Errorf("encode the presence of %q: %w", r.feed.Name, err)
		}
		h := fnv.New64a()
		_, _ = h.Write(data)
		digest = h.Sum64()
	}
	p.mu.Lock()
	same := r.shown.digest == digest
	p.mu.Unlock()
	if same {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, presenceTimeout)
	defer cancel()
	if err := p.hub.src.SetPresence(ctx, r.feed, data); err != nil {
		return fmt.Errorf("write the presence of %q: %w", r.feed.Name, err)
	}
	p.hub.counts.presenceWrites.Add(1)
	p.mu.Lock()
	r.shown.digest = digest
	p.mu.Unlock()
	return nil
}

// Presence tells who is in a room, over all nodes. Personal feeds have none.
func (h *Hub) Presence(ctx context.Context, feed backbone.Feed) (Here, error) {
	here := Here{Clients: map[string][]byte{}}
	if feed.Kind != layout.Room {
		return here, nil
	}
	stored, err := h.src.Presence(ctx, feed)
	if err != nil {
		return Here{}, fmt.Errorf("read the presence of %q: %w", feed.Name, err)
	}
	users := map[string]struct{}{}
	for node, data := range stored {
		var sum summary
		if node == h.src.NodeID() || json.Unmarshal(data, &sum) != nil {
			continue // our own may be a second old; one that can't be read is of a node of another version
		}
		here.merge(sum, users)
	}
	h.mu.Lock()
	r := h.rooms[feed]
	h.mu.Unlock()
	if r != nil {
		here.merge(r.summary(), users)
	}
	here.NumUsers += len(users)
	return here, nil
}
