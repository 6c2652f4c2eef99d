package fanout

import (
	"container/list"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// room is one followed feed with its members on this node. It is the feed's backbone.Follower. Most rooms are personal feeds with one
// member, so an empty room is small and has no goroutine of its own.
type room struct {
	hub  *Hub
	feed backbone.Feed

	// Guarded by Hub.mu.
	users     int
	opening   *opening      // nil once open
	closing   chan struct{} // not nil while closing
	idle      *list.Element // in Hub.idle
	idleSince time.Time

	active *list.Element // in rings.active, guarded by rings.mu
	shown  *shown        // guarded by presence.mu

	mu       sync.Mutex // guards what follows
	tail     Tail
	begun    bool // head and floor are known
	closed   bool
	epoch    string
	head     uint64 // the newest message that was given to live members
	ring     ring
	typical  int // size of a message, in bytes, on average
	members  []*Subscription
	encoders []encoderUse
	asking   int // members that want to know who comes and goes
	ahead    int // members whose position is beyond head
	reads    []*read
}

// encoderUse is an encoder and the number of the room's members that have it. Its index stays while it is used.
type encoderUse struct {
	encoder Encoder
	members int
}

// begin takes over the feed's tail once it is followed. Messages may have come before: then they say better than the tail, which moves
// on meanwhile, where the ring begins.
func (r *room) begin(tail Tail) {
	head := tail.Head()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tail = tail
	if r.epoch == "" {
		r.epoch = head.Epoch
	}
	if !r.begun {
		r.begun, r.head = true, head.Offset
		r.ring.clear(r.head)
	}
}

// Messages implements backbone.Follower.
func (r *room) Messages(batch []*backbone.Message) {
	r.mu.Lock()
	batch = after(batch, r.head)
	if r.closed || len(batch) == 0 {
		r.mu.Unlock()
		return
	}
	if !r.begun {
		r.begun = true
		r.ring.clear(batch[0].Offset - 1)
	}
	held, from := r.ring.bytes, r.head
	r.ring.append(batch, r.hub.opts.RingBytes)
	r.hub.rings.changed(r, r.ring.bytes-held)
	r.head = batch[len(batch)-1].Offset
	r.learnSize(batch)
	r.deliver(from, batch)
	if r.ahead > 0 {
		r.meetAhead()
	}
	r.mu.Unlock()
	r.hub.rings.trim()
}

// Signal implements backbone.Follower.
func (r *room) Signal(data []byte) {
	kind, payload, ok := unseal(data)
	if !ok {
		r.hub.counts.dropped.Add(1)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && (kind == application || r.asking > 0) {
		r.deliverEphemeral(kind, payload)
	}
}

// Reset implements backbone.Follower: every member has to begin again.
func (r *room) Reset(head backbone.Position) {
	r.mu.Lock()
	r.begun, r.epoch, r.head = true, head.Epoch, head.Offset
	r.emptyRing()
	gone := r.members
	r.members = nil
	tellThem := r.expel(gone...)
	r.mu.Unlock()
	tellThem()
}

// close ends the following of the feed.
func (r *room) close() {
	r.mu.Lock()
	r.closed = true
	r.emptyRing()
	gone := r.members
	r.members = nil
	for _, s := range gone {
		r.forget(s)
		s.become(closed)
	}
	tail := r.tail
	r.mu.Unlock()
	if tail != nil {
		tail.Close()
	}
}

// learnSize keeps the average size of messages, with which reads of the log are bounded in bytes.
func (r *room) learnSize(messages []*backbone.Message) {
	bytes := 0
	for _, m := range messages {
		bytes += m.Size()
	}
	average := bytes / max(1, len(messages))
	if r.typical == 0 {
		r.typical = average
	}
	r.typical += (average - r.typical) / 4
}

// readLimit is the number of messages to ask the log for, to get about that many bytes and at most that many messages.
func (r *room) readLimit(bytes, most int) int {
	size := r.typical
	if size == 0 {
		size = assumedSize
	}
	return min(max(bytes/size, fewestRead), most)
}

// position is the feed's newest position here.
func (r *room) position() backbone.Position { return backbone.Position{Epoch: r.epoch, Offset: r.head} }
