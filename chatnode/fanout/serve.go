package fanout

import "github.com/chatfleet/chatfleet/chatnode/backbone"

// serve brings a subscription in state serving on towards the tail, page by page, each of which its queue has to take, until it is
// live, is refused, or needs the log.
func (r *room) serve(s *Subscription) {
	for {
		r.mu.Lock()
		more := r.step(s)
		r.mu.Unlock()
		if !more {
			return
		}
	}
}

// step does one part of serve, and reports whether there is more to do. The room is locked: so the step that makes a member live misses
// no message and repeats none.
func (r *room) step(s *Subscription) bool {
	switch {
	case s.state != serving:
		return false
	case s.pos == r.head:
		s.become(live)
		return false
	case s.pos > r.head:
		s.become(ahead)
		return false
	case !r.ring.covers(s.pos):
		s.become(reading)
		r.hub.pump.add(s)
		return false
	}
	page, _ := cut(r.ring.after(s.pos))
	if len(page) == 0 { // what was there has been erased
		s.pos = r.head
		return true
	}
	return r.write(s, page, r.encodeFor(s, page))
}

// encodeFor encodes messages for one member.
func (r *room) encodeFor(s *Subscription, page []*backbone.Message) []byte {
	if len(page) == 0 {
		return nil
	}
	return s.member.Encoder().Messages(r.feed, page)
}

// write gives a page to a member that is not live, or lets it wait for Drained. The room is locked.
func (r *room) write(s *Subscription, page []*backbone.Message, wire []byte) bool {
	if len(wire) > 0 && !s.member.Write(wire) {
		s.become(waiting)
		return false
	}
	s.pos = page[len(page)-1].Offset
	r.hub.counts.deliveries.Add(int64(len(page)))
	return true
}

// meetAhead goes on with the members whose position the tail has reached. The room is locked.
func (r *room) meetAhead() {
	for _, s := range r.members {
		if s.state != ahead || s.pos > r.head {
			continue
		}
		s.become(serving)
		for r.step(s) {
		}
	}
}
