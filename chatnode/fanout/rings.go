package fanout

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// rings bounds the memory of all rings together.
type rings struct {
	limit int64
	total atomic.Int64

	mu     sync.Mutex
	active *list.List // of *room with something in its ring, the one that was silent for longest first
}

// changed accounts for a ring that holds delta bytes more than before, and marks its room as active. The room is locked.
func (g *rings) changed(r *room, delta int) {
	g.total.Add(int64(delta))
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case r.ring.bytes == 0 && r.active != nil:
		g.active.Remove(r.active)
		r.active = nil
	case r.ring.bytes > 0 && r.active == nil:
		r.active = g.active.PushBack(r)
	case r.active != nil:
		g.active.MoveToBack(r.active)
	}
}

// trim empties rings until all together are within the limit. No room is locked by the caller.
func (g *rings) trim() {
	for g.total.Load() > g.limit {
		g.mu.Lock()
		oldest := g.active.Front()
		g.mu.Unlock()
		if oldest == nil {
			return
		}
		r := oldest.Value.(*room)
		r.mu.Lock()
		r.emptyRing()
		r.mu.Unlock()
	}
}

// emptyRing gives up the room's recent messages. The room is locked.
func (r *room) emptyRing() {
	freed := r.ring.bytes
	r.ring.clear(r.head)
	r.hub.rings.changed(r, -freed)
}
