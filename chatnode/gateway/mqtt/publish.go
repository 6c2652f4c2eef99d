package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
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
	if to.kind == forbidden || !covered(s.id.write, m.Topic) {
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
	return parseAddress(s.id.app, s.id.user, topic).kind != forbidden && covered(s.id.write, topic)
}

// runPublish does what a PUBLISH wants, and acknowledges it when that is done or can never be. What can't be done for a while is not
// acknowledged: the client says it again on its next connection.
func (s *session) runPublish(ctx context.Context, to address, payload []byte, m packet.Publish) {
	err := s.gateway.obey(ctx, s, to, payload)
	if err != nil {
		s.gateway.metrics.refused.WithLabelValues(to.kind.String(), whyOf(err)).Inc()
		s.gateway.log.Debug("a packet was refused", "user", s.actor.User, "app", s.actor.App, "what", to.kind.String(), "error", err)
	}
	switch {
	case temporary(err) && m.QoS > 0:
		s.disconnect("unavailable", "the message is not stored; send it again")
	case m.QoS > 0:
		s.reply(packet.AppendPuback(nil, m.ID))
	}
}

// obey does what a publication of the session's user wants. Everything below the user's own topics is told all sessions of the user, as a
// broker would do.
func (g *Gateway) obey(ctx context.Context, s *session, to address, payload []byte) error {
	if to.kind != toSend {
		g.tell(s.actor.App, s.actor.User, to.own, payload)
	}
	switch to.kind {
	case toSend:
		return s.send(ctx, to.with, payload)
	case toConfirm:
		return g.confirm(ctx, s.actor, to.with, to.message, payload)
	case toPatch:
		return g.patch(ctx, s.actor, to.with, payload)
	case toArchive:
		return g.archive(ctx, s.actor, to.with)
	default:
		return nil
	}
}

// bequeath publishes the will of a client that is gone.
func (g *Gateway) bequeath(a chat.Actor, will packet.Will) {
	to := parseAddress(a.App, a.User, will.Topic)
	g.start(func() {
		ctx, cancel := context.WithTimeout(g.ctx, g.limits.RequestTimeout)
		defer cancel()
		if to.kind == toSend {
			if err := g.send(ctx, a, to.with, will.Payload, nil); err != nil {
				g.metrics.refused.WithLabelValues("will", whyOf(err)).Inc()
			}
			return
		}
		g.tell(a.App, a.User, to.own, will.Payload)
	})
}

// send stores a message of the session's user, whose session hears it in any case.
func (s *session) send(ctx context.Context, with string, payload []byte) error {
	began := time.Now()
	defer func() { s.gateway.metrics.send.Observe(time.Since(began).Seconds()) }()
	return s.gateway.send(ctx, s.actor, with, payload, s)
}

// hear enters a room in which the user writes, if the client wants to be told anything.
func (s *session) hear(ctx context.Context, channel string) {
	if !s.has(newsChannel) || s.has(channel) {
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

// whyOf names a failure in the metric.
func whyOf(err error) string {
	var failed *chat.Error
	switch {
	case errors.As(err, &failed):
		return [...]string{"internal", "invalid", "denied", "not_found", "no_method", "too_many", "limit", "conflict", "unavailable"}[failed.Kind]
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "unavailable"
	default:
		return "invalid"
	}
}

// temporary says whether the same may succeed later.
func temporary(err error) bool {
	why := whyOf(err)
	return err != nil && (why == "unavailable" || why == "too_many" || why == "conflict")
}

// isForbidden says whether an error means that the user may not.
func isForbidden(err error) bool {
	var failed *chat.Error
	return errors.As(err, &failed) && (failed.Kind == chat.Denied || failed.Kind == chat.NotFound || failed.Kind == chat.Invalid)
}
