package mqtt

import (
	"context"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// publish begins to work on a PUBLISH.
func (s *session) publish(p packet.Packet) error {
	m, err := packet.ParsePublish(p)
	switch {
	case err != nil:
		return err
	case m.QoS > 1:
		s.end("qos", "QoS 2 is not served")
		return nil
	}
	to := parseAddress(s.actor.App, s.actor.User, m.Topic)
	if to.kind == forbidden || !chat21.Covered(s.id.Write, m.Topic) {
		s.gateway.metrics.refused.WithLabelValues("publish", "scope").Inc()
		s.end("scope", "the token does not allow to publish there")
		return nil
	}
	payload := append([]byte(nil), m.Payload...) // the packet's is gone when its turn comes
	s.begin(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, s.gateway.limits.SendTimeout)
		defer cancel()
		s.runPublish(ctx, to, payload, m)
	})
	return nil
}

// mayWrite says whether the user may publish to a topic.
func (s *session) mayWrite(topic string) bool {
	return parseAddress(s.id.App, s.id.User, topic).kind != forbidden && chat21.Covered(s.id.Write, topic)
}

// runPublish does what a PUBLISH wants, and acknowledges it when that is done or can never be. What can't be done for a while is not
// acknowledged: the client says it again on its next connection, and what it said later behind that.
func (s *session) runPublish(ctx context.Context, to address, payload []byte, m packet.Publish) {
	err := s.gateway.obey(ctx, s, to, payload)
	if err != nil {
		s.gateway.metrics.refused.WithLabelValues(to.kind.String(), chat21.Why(err)).Inc()
		s.gateway.log.Debug("a packet was refused", "user", s.actor.User, "app", s.actor.App, "what", to.kind.String(), "error", err)
	}
	switch {
	case chat21.Temporary(err) && m.QoS > 0:
		s.mu.Lock()
		s.halt()
		s.mu.Unlock()
		s.disconnect("unavailable", "the message is not stored; send it again")
	case m.QoS > 0:
		s.reply(packet.AppendPuback(nil, m.ID))
	}
}

// obey does what a publication of the session's user wants. Everything below the user's own topics is told all sessions of the user, as a
// broker would do.
func (g *Gateway) obey(ctx context.Context, s *session, to address, payload []byte) error {
	if to.kind != toSend {
		g.timelines.Tell(s.actor.App, s.actor.User, to.own, payload)
	}
	switch to.kind {
	case toSend:
		return s.send(ctx, to.with, payload)
	case toConfirm:
		return g.timelines.Confirm(ctx, s.actor, to.with, to.message, payload)
	case toPatch:
		return g.timelines.Patch(ctx, s.actor, to.with, payload)
	case toArchive:
		return g.timelines.Archive(ctx, s.actor, to.with)
	case toPresence:
		return g.timelines.RecordPresence(ctx, s.actor, payload)
	default:
		return nil
	}
}

// bequeath publishes the will of a client that is gone, unless that has been done or there is none. done is closed afterwards.
func (g *Gateway) bequeath(s *session) (done <-chan struct{}) {
	will, published := s.will.Swap(nil), make(chan struct{})
	if will == nil || !g.start(func() {
		defer close(published)
		ctx, cancel := context.WithTimeout(g.ctx, g.limits.RequestTimeout)
		defer cancel()
		if err := g.inherit(ctx, s.actor, parseAddress(s.actor.App, s.actor.User, will.Topic), will.Payload); err != nil {
			g.metrics.refused.WithLabelValues("will", chat21.Why(err)).Inc()
		}
	}) {
		close(published)
	}
	return published
}

// await has what the client wants done after something else.
func (s *session) await(done <-chan struct{}) {
	s.begin(func(ctx context.Context) {
		select {
		case <-done:
		case <-ctx.Done():
		}
	})
}

// inherit does what a will wants.
func (g *Gateway) inherit(ctx context.Context, a chat.Actor, to address, payload []byte) error {
	if to.kind == toSend {
		return g.timelines.Send(ctx, a, to.with, payload, nil)
	}
	g.timelines.Tell(a.App, a.User, to.own, payload)
	if to.kind == toPresence {
		return g.timelines.RecordPresence(ctx, a, payload)
	}
	return nil
}

// send stores a message of the session's user, whose session hears it in any case.
func (s *session) send(ctx context.Context, with string, payload []byte) error {
	began := time.Now()
	defer func() { s.gateway.metrics.send.Observe(time.Since(began).Seconds()) }()
	return s.gateway.timelines.Send(ctx, s.actor, with, payload, s)
}

// Hear implements chat21.Listener: it enters a room in which the user writes, if the client wants to be told anything.
func (s *session) Hear(ctx context.Context, channel string) {
	if !s.Has(newsChannel) || s.Has(channel) {
		return
	}
	sub, err := s.enter(ctx, channel)
	if err == nil && sub != nil {
		sub.place.Start()
	}
}

// String names what a client wants in metrics and logs.
func (k kind) String() string {
	return [...]string{"echo", "send", "receipt", "conversation", "archive", "presence", "forbidden"}[k]
}
