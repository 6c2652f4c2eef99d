// Package fanout knows who on this node listens to what.
//
// In go the messages and signals of the feeds that somebody here listens to (each feed is followed once, whatever the number of
// listeners), and requests to listen from a given position on. Out come wire bytes, encoded once per protocol and written to each
// member without waiting: a member whose queue is full is served from memory or from the log at its own pace, without a hole, a double
// or a change of order, until it has caught up. The package also tells who is present in a room, over all nodes.
package fanout

import (
	"container/list"
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// ErrClosed says that the hub has been closed.
var ErrClosed = errors.New("the hub is closed")

// Hub is the node's one fan-out. Its methods may be called at the same time.
//
// Locks are taken in this order: a room's, then one of the hub's.
type Hub struct {
	src  Source[Tail]
	opts Options

	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu     sync.Mutex
	rooms  map[backbone.Feed]*room
	idle   *list.List // of *room without users, idle for longest first
	closed bool

	rings    rings
	readSlot chan struct{}

	forgetting forgetting

	pump    pump
	here    presence
	helpers chan *delivery
	counts  counts
}

// New starts a hub that follows feeds of src.
func New[T Tail](src Source[T], o Options) *Hub {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	h := &Hub{
		src:      anySource[T]{src},
		opts:     o,
		ctx:      ctx,
		cancel:   cancel,
		rooms:    map[backbone.Feed]*room{},
		idle:     list.New(),
		rings:    rings{limit: int64(o.AllRingsBytes), active: list.New()},
		readSlot: make(chan struct{}, o.MaxReads),
		helpers:  make(chan *delivery),
	}
	h.pump = pump{hub: h, most: max(1, o.MaxReads*3/4)}
	h.here = presence{hub: h}
	h.register(o.Registerer)
	for range runtime.GOMAXPROCS(0) - 1 {
		h.work.Go(h.help)
	}
	h.work.Go(h.keepHouse)
	h.work.Go(h.here.keepWriting)
	return h
}

// Rooms is the number of feeds that are followed on this node.
func (h *Hub) Rooms() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rooms)
}

// Signal tells everybody in the feed, on all nodes, something that is not stored. It may be lost.
func (h *Hub) Signal(feed backbone.Feed, data []byte) error {
	return h.src.Signal(feed, seal(application, data))
}

// Close lets go of all feeds. Members get nothing afterwards. Summaries of presence that wait are written first, for 2 s at most.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	h.mu.Unlock()
	h.here.flush()
	h.cancel()
	h.work.Wait()
	h.mu.Lock()
	rooms := h.rooms
	h.rooms = nil
	h.mu.Unlock()
	for _, r := range rooms {
		r.close()
	}
}

// start runs f in a goroutine that Close waits for; false if the hub is closed.
func (h *Hub) start(f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.work.Go(f)
	return true
}
