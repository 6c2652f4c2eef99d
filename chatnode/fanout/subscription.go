package fanout

import (
	"context"
	"fmt"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// state says what happens next to a subscription. It is guarded by the room.
type state uint8

const (
	held    state = iota // waits for Start
	live                 // gets what comes
	serving              // is being brought to the tail, by whoever set this state
	waiting              // was refused by its queue; Drained goes on
	reading              // its next page is being read from the log, or waits for that
	ahead                // has a position that the tail has not reached yet
	void                 // its feed was reset before Start
	closed
)

// Subscription is a member's place in a feed.
type Subscription struct {
	room   *room
	member Member
	info   []byte // nil if the member is not shown in the room
	user   uint64 // hash of the user's name, with info
	pos    uint64 // everything up to it was written; not kept up while live
	index  int32  // in room.members
	slot   int32  // of its encoder in room.encoders
	state  state
	asks   bool // for join and leave
	joined bool // its join was told, and its leave has to be; not changed once closed
}

// Subscribe enters m into a feed and recovers what it missed. Nothing is written to m before Start. The error is ErrClosed, one of the
// source (wrapped), that of ctx, or about Request.Info.
func (h *Hub) Subscribe(ctx context.Context, feed backbone.Feed, req Request, m Member) (*Subscription, Result, error) {
	s := &Subscription{member: m, asks: req.JoinLeave}
	if req.Info != nil && feed.Kind == layout.Room {
		who, err := parseInfo(req.Info)
		if err != nil {
			return nil, Result{}, err
		}
		s.info, s.user = req.Info, hashUser(who.User)
	}
	r, err := h.enter(ctx, feed)
	if err != nil {
		return nil, Result{}, err
	}
	s.room = r
	result, err := r.admit(ctx, s, req)
	if err != nil {
		h.leave(r)
		return nil, Result{}, fmt.Errorf("recover in %s %q: %w", feed.Kind, feed.Name, err)
	}
	if s.info != nil {
		h.here.changed(r)
	}
	return s, result, nil
}

// Start lets everything behind Result.Head flow to the member. Call it once the answer to the subscriber is written. It may write to
// the member, and reset it, before it returns.
func (s *Subscription) Start() {
	r := s.room
	r.mu.Lock()
	if s.state == void {
		s.become(closed)
		r.mu.Unlock()
		s.member.Reset()
		return
	}
	if s.state != held {
		r.mu.Unlock()
		return
	}
	s.become(serving)
	r.mu.Unlock()
	r.serve(s)
	if s.info != nil {
		s.introduce()
	}
}

// introduce tells the room of the member. If that has left meanwhile, its leave is told here, so that it does not come first.
func (s *Subscription) introduce() {
	r := s.room
	r.tell(join, s.info)
	r.mu.Lock()
	gone := s.state == closed
	if !gone {
		s.joined = true
	}
	r.mu.Unlock()
	if gone {
		r.tell(leave, s.info)
	}
}

// Drained says that the member's queue has room again: it is served from where it stopped. It does not wait for the log.
func (s *Subscription) Drained() {
	r := s.room
	r.mu.Lock()
	if s.state != waiting {
		r.mu.Unlock()
		return
	}
	s.become(serving)
	r.mu.Unlock()
	r.serve(s)
}

// Close leaves the feed. The member gets nothing after it returned. It may be called again.
func (s *Subscription) Close() {
	r := s.room
	r.mu.Lock()
	if s.state == closed || s.state == void {
		s.become(closed)
		r.mu.Unlock()
		return
	}
	r.remove(s)
	r.forget(s)
	s.become(closed)
	r.mu.Unlock()
	s.left()
}

// left does what follows from a member's leaving.
func (s *Subscription) left() {
	h := s.room.hub
	if s.info != nil {
		h.here.changed(s.room)
	}
	if s.joined {
		s.room.tell(leave, s.info)
	}
	h.leave(s.room)
}

// become changes the state, and the counts that depend on it. The room is locked.
func (s *Subscription) become(next state) {
	if was, is := s.state.behind(), next.behind(); was != is {
		if is {
			s.room.hub.counts.behind.Add(1)
		} else {
			s.room.hub.counts.behind.Add(-1)
		}
	}
	if s.state == ahead {
		s.room.ahead--
	}
	if next == ahead {
		s.room.ahead++
	}
	s.state = next
}

func (s state) behind() bool { return s == waiting || s == reading }

// add makes s one of the room's members, with everything up to pos. The room is locked.
func (r *room) add(s *Subscription, pos uint64) {
	s.pos, s.state = pos, held
	s.index = int32(len(r.members))
	r.members = append(r.members, s)
	encoder := s.member.Encoder()
	free := -1
	slot := -1
	for i := range r.encoders {
		switch use := &r.encoders[i]; {
		case use.members == 0:
			free = i
		case use.encoder == encoder:
			slot = i
		}
	}
	if slot < 0 {
		if slot = free; slot < 0 {
			slot = len(r.encoders)
			r.encoders = append(r.encoders, encoderUse{})
		}
		r.encoders[slot].encoder = encoder
	}
	r.encoders[slot].members++
	s.slot = int32(slot)
	if s.asks {
		r.asking++
	}
	r.hub.counts.members.Add(1)
}

// remove takes s out of the list of members. The room is locked.
func (r *room) remove(s *Subscription) {
	last := len(r.members) - 1
	r.members[s.index] = r.members[last]
	r.members[s.index].index = s.index
	r.members[last] = nil
	r.members = r.members[:last]
	if last == 0 {
		r.members = nil
	}
}

// forget takes back what add counted, except for the list of members. The room is locked.
func (r *room) forget(s *Subscription) {
	use := &r.encoders[s.slot]
	if use.members--; use.members == 0 {
		use.encoder = nil
	}
	if s.asks {
		r.asking--
	}
	r.hub.counts.members.Add(-1)
}

// expel ends the subscriptions for the feed's sake. They are no longer among the members, and the room is locked: call what it returns
// when the room is not.
func (r *room) expel(gone ...*Subscription) (tellThem func()) {
	var started []*Subscription
	r.hub.counts.resets.Add(int64(len(gone)))
	for _, s := range gone {
		r.forget(s)
		if s.state == held {
			s.become(void)
			continue
		}
		s.become(closed)
		started = append(started, s)
	}
	return func() {
		for _, s := range gone {
			s.left()
		}
		for _, s := range started {
			s.member.Reset()
		}
	}
}
