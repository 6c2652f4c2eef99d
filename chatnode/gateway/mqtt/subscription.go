package mqtt

import (
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// subscription is a session's place in a room, or in the user's own feed: its fanout.Member there.
type subscription struct {
	session *session
	channel string
	place   *fanout.Subscription
	// head is the offset behind which it begins, floor that up to which the history is not for the user.
	head, floor uint64
	// refused is true if a write was refused, so that Drained goes on with it.
	refused atomic.Bool
}

// Encoder implements fanout.Member.
func (m *subscription) Encoder() fanout.Encoder {
	s := m.session
	return encoder{gateway: s.gateway, framing: s.conn.Framing(), app: s.actor.App, user: s.actor.User}
}

// Write implements fanout.Member.
func (m *subscription) Write(wire []byte) bool {
	if m.write(wire) {
		return true
	}
	m.refused.Store(true)
	m.session.refused.Store(true)
	return m.write(wire) // there may be room just now, and Drained may have passed by before it could see the marks
}

func (m *subscription) write(wire []byte) bool {
	s := m.session
	if s.tailored.Load() {
		return s.writeTailored(wire)
	}
	return s.conn.Write(wire)
}

// ephemeralSlack is how many queued bytes don't count as a backlog yet: with TLS every write is queued for a moment.
const ephemeralSlack = 64 << 10

// Backlog implements fanout.Backlogger.
func (m *subscription) Backlog() int { return max(0, m.session.conn.Backlog()-ephemeralSlack) }

// Reset implements fanout.Member. The client connects again and reads what it missed over HTTP.
func (m *subscription) Reset() {
	m.session.disconnect("reset", "the log goes no further back")
}

// subscribe begins to work on a SUBSCRIBE.
func (s *session) subscribe(p packet.Packet) error {
	q, err := packet.ParseSubscribe(p)
	if err == nil {
		s.begin(func(ctx context.Context) { s.runSubscribe(ctx, q) })
	}
	return err
}

func (s *session) runSubscribe(ctx context.Context, q packet.Subscribe) {
	ctx, cancel := context.WithTimeout(ctx, s.gateway.limits.RequestTimeout)
	defer cancel()
	codes := make([]byte, len(q.Filters))
	granted := false
	for i, f := range q.Filters {
		f.QoS = min(f.QoS, 1)
		if codes[i] = f.QoS; !s.mayRead(f.Topic) || !s.addFilter(f) {
			codes[i] = packet.RefusedFilter
			s.gateway.metrics.refused.WithLabelValues("subscribe", "scope").Inc()
			continue
		}
		granted = true
	}
	if !granted {
		s.reply(packet.AppendSuback(nil, q.ID, codes))
		return
	}
	entered, err := s.enterAll(ctx)
	if err != nil {
		s.disconnect("unavailable", "the log can't be reached; try again")
		return
	}
	// The answer comes last: what is not stored and comes between would be lost (section 3.8.4 allows messages before it).
	for _, sub := range entered {
		sub.place.Start()
	}
	s.reply(packet.AppendSuback(nil, q.ID, codes))
}

// mayRead says whether a topic filter lies within the user's own topics and the token's scopes.
func (s *session) mayRead(filter string) bool {
	own := chat21.UserTopics(s.actor.App, s.actor.User)
	return len(filter) > len(own) && filter[:len(own)] == own && chat21.Covered(s.id.Read, filter)
}

// addFilter takes a topic filter; false if there are as many as may be.
func (s *session) addFilter(f packet.Filter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	filters := slices.DeleteFunc(slices.Clone(s.filters), func(there packet.Filter) bool { return there.Topic == f.Topic })
	if len(filters) >= s.gateway.limits.Filters {
		return false
	}
	s.filters = append(filters, f)
	s.decideTailoring()
	return true
}

// decideTailoring needs mu.
func (s *session) decideTailoring() {
	everything := packet.Filter{Topic: chat21.UserTopics(s.actor.App, s.actor.User) + "#"}
	s.tailored.Store(len(s.filters) != 1 || s.filters[0] != everything)
}

// unsubscribe begins to work on an UNSUBSCRIBE.
func (s *session) unsubscribe(p packet.Packet) error {
	q, err := packet.ParseUnsubscribe(p)
	if err == nil {
		s.begin(func(context.Context) { s.runUnsubscribe(q) })
	}
	return err
}

func (s *session) runUnsubscribe(q packet.Unsubscribe) {
	var left map[string]*subscription
	s.mu.Lock()
	s.filters = slices.DeleteFunc(s.filters, func(f packet.Filter) bool { return slices.Contains(q.Filters, f.Topic) })
	s.decideTailoring()
	if len(s.filters) == 0 {
		left, s.places = s.places, nil
	}
	s.mu.Unlock()
	for _, sub := range left {
		sub.place.Close()
	}
	s.reply(packet.AppendUnsuback(nil, q.ID))
}

// Channels of the feeds that are no rooms, in session.places.
const (
	newsChannel = "\x00news"
	ownChannel  = "\x00own"
)

// enterAll enters the user's feeds and rooms, unless that has been done: the feeds first, so that no change of the list of rooms is missed
// between. Nothing flows before Start.
func (s *session) enterAll(ctx context.Context) (entered []*subscription, err error) {
	if s.Has(newsChannel) {
		return nil, nil
	}
	defer func() {
		if err != nil {
			s.leaveAll()
		}
	}()
	personal := backbone.Feed{Kind: layout.User, App: s.actor.App, Name: s.actor.User}
	watch := &newsWatch{subscription{session: s}}
	if err := s.enterFeed(ctx, personal, newsChannel, fanout.Request{}, watch, &watch.subscription); err != nil {
		return nil, err
	}
	own := &subscription{session: s}
	if err := s.enterFeed(ctx, chat21.OwnFeed(s.actor.App, s.actor.User), ownChannel, fanout.Request{}, own, own); err != nil {
		return nil, err
	}
	rooms, err := s.enterRooms(ctx)
	return append(rooms, &watch.subscription, own), err
}

// entering is how many rooms are entered at a time.
const entering = 8

func (s *session) enterRooms(ctx context.Context) ([]*subscription, error) {
	rooms, err := s.gateway.options.Chat.Joined(ctx, s.actor, s.gateway.limits.Rooms)
	if err != nil {
		return nil, err
	}
	entered := make([]*subscription, len(rooms))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(entering)
	for i, room := range rooms {
		work.Go(func() (err error) {
			if entered[i], err = s.enter(ctx, room); chat21.IsForbidden(err) {
				err = nil
			}
			return err
		})
	}
	err = work.Wait()
	return slices.DeleteFunc(entered, func(sub *subscription) bool { return sub == nil }), err
}

// enter makes a subscription to a room, which must be started; nil if there is one.
func (s *session) enter(ctx context.Context, channel string) (*subscription, error) {
	if s.Has(channel) {
		return nil, nil
	}
	access, err := s.gateway.options.Chat.Access(ctx, s.actor, channel, chat.Subscribe)
	if err != nil {
		return nil, err
	}
	sub := &subscription{session: s, floor: access.Floor}
	if err := s.enterFeed(ctx, access.Feed, channel, fanout.Request{Info: s.actor.ClientInfo()}, sub, sub); err != nil {
		return nil, err
	}
	// The right may have been taken while nobody could find the subscription.
	if _, err := s.gateway.options.Chat.Access(ctx, s.actor, channel, chat.Subscribe); err != nil {
		s.leave(channel)
		return nil, err
	}
	return sub, nil
}

// enterFeed enters a feed with a member whose place sub is.
func (s *session) enterFeed(ctx context.Context, feed backbone.Feed, channel string, r fanout.Request, m fanout.Member, sub *subscription) error {
	sub.channel = channel // before others can find it in the hub
	place, got, err := s.gateway.options.Hub.Subscribe(ctx, feed, r, m)
	if err != nil {
		return err
	}
	sub.place, sub.head = place, got.Head.Offset
	if !s.add(sub) {
		place.Close()
		return fanout.ErrClosed
	}
	return nil
}

// add makes a subscription one of the session's; false if that is over.
func (s *session) add(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.places == nil {
		s.places = map[string]*subscription{}
	}
	s.places[sub.channel] = sub
	return true
}

// Has implements chat21.Listener: it says whether the session is in a channel.
func (s *session) Has(channel string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places[channel] != nil
}

// leave ends a subscription, if there is one.
func (s *session) leave(channel string) {
	s.mu.Lock()
	sub := s.places[channel]
	delete(s.places, channel)
	s.mu.Unlock()
	if sub != nil {
		sub.place.Close()
	}
}

func (s *session) leaveAll() {
	s.mu.Lock()
	left := s.places
	s.places = nil
	s.mu.Unlock()
	for _, sub := range left {
		sub.place.Close()
	}
}
