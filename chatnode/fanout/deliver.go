package fanout

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// delivery is one event on its way to the members of a room, whose lock is held meanwhile. Several goroutines may run it together.
type delivery struct {
	members []*Subscription
	wires   [][]byte // by encoder slot
	write   func(s *Subscription, wire []byte) bool
	next    atomic.Int64 // the first member that nobody has taken
	written atomic.Int64
	helping sync.WaitGroup
}

// deliveryBlock is the number of members that a goroutine takes at a time.
const deliveryBlock = 128

func (d *delivery) run() {
	written := 0
	for {
		end := d.next.Add(deliveryBlock)
		start := end - deliveryBlock
		if start >= int64(len(d.members)) {
			break
		}
		for _, s := range d.members[start:min(end, int64(len(d.members)))] {
			if d.write(s, d.wires[s.slot]) {
				written++
			}
		}
	}
	d.written.Add(int64(written))
}

// help runs parts of large deliveries until the hub is closed.
func (h *Hub) help() {
	for {
		select {
		case d := <-h.helpers:
			d.run()
			d.helping.Done()
		case <-h.ctx.Done():
			return
		}
	}
}

// fanOut writes to each member what write chooses to, on several cores if there are many, and returns how many it wrote to.
// The room is locked.
func (r *room) fanOut(encode func(Encoder) []byte, write func(*Subscription, []byte) bool) int64 {
	if len(r.members) == 0 {
		return 0
	}
	d := &delivery{members: r.members, wires: make([][]byte, len(r.encoders)), write: write}
	for i, use := range r.encoders {
		if use.members > 0 {
			d.wires[i] = encode(use.encoder)
		}
	}
	if len(r.members) > splitAbove {
		for range runtime.GOMAXPROCS(0) - 1 {
			d.helping.Add(1)
			select {
			case r.hub.helpers <- d:
			default: // all helpers are busy
				d.helping.Done()
			}
		}
	}
	d.run()
	d.helping.Wait()
	return d.written.Load()
}

// deliver writes the feed's next messages, those behind offset from, to the live members. One whose queue is full leaves the tail.
// The room is locked.
func (r *room) deliver(from uint64, batch []*backbone.Message) {
	for len(batch) > 0 {
		page, rest := cut(batch)
		written := r.fanOut(
			func(e Encoder) []byte { return e.Messages(r.feed, page) },
			func(s *Subscription, wire []byte) bool {
				if s.state != live {
					return false
				}
				if len(wire) > 0 && !s.member.Write(wire) {
					s.pos = from
					s.become(waiting)
					return false
				}
				return true
			})
		r.hub.counts.deliveries.Add(written * int64(len(page)))
		batch, from = rest, page[len(page)-1].Offset
	}
}

// deliverEphemeral writes an event that may be lost to those members that want it and have nothing else to read. The room is locked.
func (r *room) deliverEphemeral(kind signalKind, payload []byte) {
	r.fanOut(
		func(e Encoder) []byte { return kind.encode(e, r.feed, payload) },
		func(s *Subscription, wire []byte) bool {
			if s.state == held || len(wire) == 0 || (kind != application && !s.asks) {
				return false
			}
			if s.state == live && !backlogged(s.member) && s.member.Write(wire) {
				return true
			}
			r.hub.counts.dropped.Add(1)
			return false
		})
}

func backlogged(m Member) bool {
	b, ok := m.(Backlogger)
	return ok && b.Backlog() > 0
}
