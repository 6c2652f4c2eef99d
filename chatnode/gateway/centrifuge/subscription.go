package centrifuge

import (
	"sync/atomic"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// subscription is a session's place in a channel: its fanout.Member there.
type subscription struct {
	session *session
	channel string
	place   *fanout.Subscription
	// server is true if the server made it at connect, ofRoom if it did since the user is a member there: the client may then make a
	// subscription of its own in its place.
	server, ofRoom bool
	// refused is true if a write was refused, so that Drained goes on with it.
	refused atomic.Bool
	// expires is when its token ends, or zero, and answered says that the client was told of the subscription; guarded by the session's mu.
	expires  time.Time
	answered bool
}

// Encoder implements fanout.Member.
func (m *subscription) Encoder() fanout.Encoder { return m.session.encoder }

// Write implements fanout.Member.
func (m *subscription) Write(wire []byte) bool {
	s := m.session
	if !s.out.blocked.Load() && s.conn.Write(wire) {
		return true
	}
	m.refused.Store(true)
	s.refused.Store(true)
	// The queue may have emptied just now, and Drained may have passed by before it could see the marks.
	return !s.out.blocked.Load() && s.conn.Write(wire)
}

// ephemeralSlack is how many queued bytes don't count as a backlog yet: with TLS and streamed responses every write is queued for a
// moment.
const ephemeralSlack = 4 << 10

// Backlog implements fanout.Backlogger.
func (m *subscription) Backlog() int { return max(0, m.session.conn.Backlog()-ephemeralSlack) }

// Reset implements fanout.Member. The SDKs subscribe again to their own channels only, so for the server's they have to connect again.
func (m *subscription) Reset() {
	s := m.session
	switch {
	case !s.remove(m):
	case m.server:
		s.disconnect(protocol.DisconnectInsufficientState)
	default:
		s.push(protocol.UnsubscribeInsufficient.Reply(m.channel))
	}
}

// push tells the client the end of a subscription.
func (s *session) push(end *protocol.Reply) {
	s.gateway.metrics.pushes.WithLabelValues("unsubscribe").Inc()
	s.write(end, nil)
}

// takePlace reserves a place for one more subscription; false if there are as many as may be.
func (s *session) takePlace() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places >= s.gateway.limits.Subscriptions {
		return false
	}
	s.places++
	return true
}

func (s *session) freePlace() {
	s.mu.Lock()
	s.places--
	s.mu.Unlock()
}

// find gives the subscription to a channel, or nil.
func (s *session) find(channel string) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs[channel]
}

// add makes a subscription, which has its place, one of the session's; false if that is over.
func (s *session) add(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.subs == nil {
		s.subs = map[string]*subscription{}
	}
	s.subs[sub.channel] = sub
	s.awaitExpiry(sub)
	return true
}

// remove takes a subscription out of the session's and frees its place; false if it is not one of them any more.
func (s *session) remove(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs[sub.channel] != sub {
		return false
	}
	delete(s.subs, sub.channel)
	s.places--
	return true
}

// leave ends a subscription; false if that has been done. Nothing is written for it afterwards.
func (s *session) leave(sub *subscription) bool {
	if !s.remove(sub) {
		return false
	}
	sub.place.Close()
	return true
}

// awaitExpiry needs mu. It sets the deadline of subscriptions to the end of this one's token, if that comes first.
func (s *session) awaitExpiry(sub *subscription) {
	if sub.expires.IsZero() {
		return
	}
	at := sub.expires.Add(s.gateway.limits.ExpiryGrace)
	if s.nextExpiry.IsZero() || at.Before(s.nextExpiry) {
		s.nextExpiry = at
		s.conn.After(at.Sub(s.gateway.now()), deadlineSubscriptions)
	}
}

// expireSubscriptions ends the subscriptions whose tokens were not refreshed in time.
func (s *session) expireSubscriptions() {
	var expired []*subscription
	s.mu.Lock()
	now := s.gateway.now()
	s.nextExpiry = time.Time{}
	for _, sub := range s.subs {
		if sub.expires.IsZero() || now.Before(sub.expires.Add(s.gateway.limits.ExpiryGrace)) {
			s.awaitExpiry(sub)
			continue
		}
		expired = append(expired, sub)
	}
	s.mu.Unlock()
	for _, sub := range expired {
		if s.leave(sub) {
			s.push(protocol.UnsubscribeExpired.Reply(sub.channel))
		}
	}
}
