package centrifuge

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// hopeless is how many subscribe commands beyond the limit of subscriptions are answered before the connection is closed.
const hopeless = 200_000

// maxTextBytes bounds what a command that may have to wait holds besides its data: a token of the greatest length, a channel's name (a
// longer one stands for nothing anyway) and an epoch.
const maxTextBytes = auth.MaxTokenBytes + 2<<10

// textBytes is the length of names and tokens of a command that may have to wait. Data that nobody reads is dropped.
func textBytes(c *protocol.Command) int {
	switch {
	case c.Subscribe != nil:
		c.Subscribe.Data = nil
		return len(c.Subscribe.Channel) + len(c.Subscribe.Token) + len(c.Subscribe.Epoch)
	case c.Unsubscribe != nil:
		return len(c.Unsubscribe.Channel)
	case c.Presence != nil:
		return len(c.Presence.Channel)
	case c.PresenceStats != nil:
		return len(c.PresenceStats.Channel)
	case c.History != nil && c.History.Since != nil:
		return len(c.History.Channel) + len(c.History.Since.Epoch)
	case c.History != nil:
		return len(c.History.Channel)
	case c.SubRefresh != nil:
		return len(c.SubRefresh.Channel) + len(c.SubRefresh.Token)
	case c.Refresh != nil:
		return len(c.Refresh.Token)
	default:
		return 0
	}
}

// request is a command that is to be answered.
type request struct {
	id    uint32
	kind  string // as metrics name it
	start time.Time
}

// take works on a command, or begins to, and gives the reason if the connection has to end. It needs turn.
func (s *session) take(c *protocol.Command) *protocol.Disconnect {
	switch stage(s.stage.Load()) {
	case fresh:
		if c.Connect == nil {
			return &protocol.Disconnect{Code: protocol.DisconnectBadRequest.Code, Reason: "the first command must be connect"}
		}
	case connecting:
		if len(s.pending) >= s.gateway.limits.FrameCommands {
			return &protocol.DisconnectTooManyRequests
		}
		s.pending = append(s.pending, c)
		return nil
	}
	return s.admit(c)
}

// admit measures the rate of commands. It needs turn.
func (s *session) admit(c *protocol.Command) *protocol.Disconnect {
	r := request{id: c.ID, kind: kindOf(c), start: s.gateway.now()}
	limits := &s.gateway.limits
	left := 0.0
	switch {
	case c.Subscribe != nil && !s.takePlace():
		// A client without end gets its answers cheaply, and for long: it may be one that only has too many channels.
		if left = s.subscribes.take(r.start, limits.CommandsPerSecond, hopeless); left >= 0 {
			s.refuse(r, protocol.ErrorLimitExceeded)
			return nil
		}
		return &protocol.DisconnectTooManyRequests
	case c.Subscribe != nil || c.Unsubscribe != nil || c.SubRefresh != nil:
		left = s.subscribes.take(r.start, limits.CommandsPerSecond, 2*limits.Subscriptions)
	default:
		left = s.commands.take(r.start, limits.CommandsPerSecond, limits.CommandBurst)
	}
	fits := textBytes(c) <= maxTextBytes
	if left >= 0 && fits {
		return s.dispatch(r, c)
	}
	if c.Subscribe != nil {
		s.freePlace()
	}
	if left >= 0 {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("a name or token is too long"))
		return nil
	}
	if left < -10*float64(limits.CommandBurst) {
		return &protocol.DisconnectTooManyRequests
	}
	if r.id != 0 {
		s.fail(r, protocol.ErrorTooManyRequests)
	}
	return nil
}

// dispatch needs turn.
func (s *session) dispatch(r request, c *protocol.Command) *protocol.Disconnect {
	switch {
	case c.Connect != nil:
		return s.connect(r, c.Connect)
	case c.Subscribe != nil:
		s.subscribe(r, c.Subscribe)
	case c.Unsubscribe != nil:
		s.unsubscribe(r, c.Unsubscribe)
	case c.Publish != nil:
		s.publish(r, c.Publish)
	case c.Presence != nil:
		s.presence(r, c.Presence)
	case c.PresenceStats != nil:
		s.presenceStats(r, c.PresenceStats)
	case c.History != nil:
		s.history(r, c.History)
	case c.RPC != nil:
		s.rpc(r, c.RPC)
	case c.Refresh != nil:
		s.refresh(r, c.Refresh)
	case c.SubRefresh != nil:
		s.subRefresh(r, c.SubRefresh)
	case c.Ping != nil:
		s.reply(r, &protocol.Reply{Ping: &protocol.PingResult{}}, nil)
	default:
		s.count(r, "ok") // a pong, or a message that nobody here listens to
	}
	return nil
}

// reply answers a request; then is called once the answer is on its way.
func (s *session) reply(r request, answer *protocol.Reply, then func()) {
	answer.ID = r.id
	s.count(r, "ok")
	s.write(answer, then)
}

// refuse answers a request with an error.
func (s *session) refuse(r request, answer *protocol.Error) {
	s.count(r, strconv.FormatUint(uint64(answer.Code), 10))
	s.write(&protocol.Reply{ID: r.id, Error: answer}, nil)
}

// fail answers a request with what the client may know of an error, and ends a connection that has too many of them.
func (s *session) fail(r request, err error) {
	answer, known := errorOf(err)
	if !known {
		s.gateway.report(r, s.id, err)
	}
	s.refuse(r, answer)
	if answer.Temporary {
		return
	}
	limits := &s.gateway.limits
	s.mu.Lock()
	left := s.failures.take(s.gateway.now(), float64(limits.Failures)/10, limits.Failures)
	s.mu.Unlock()
	if left < 0 {
		s.disconnect(protocol.DisconnectTooManyErrors)
	}
}

// write hands a reply to the outbox. A client that leaves too many lying is closed, with a code that makes it come back.
func (s *session) write(answer *protocol.Reply, then func()) {
	if !s.out.send(answer, then) {
		s.disconnect(protocol.DisconnectSlow)
	}
}

func (s *session) count(r request, result string) {
	s.gateway.metrics.commands.WithLabelValues(r.kind, result).Inc()
	if r.kind == "publish" || r.kind == "rpc" {
		s.gateway.metrics.duration.WithLabelValues(r.kind).Observe(s.gateway.now().Sub(r.start).Seconds())
	}
}

func (s *session) gauge() prometheus.Gauge {
	return s.gateway.metrics.sessions.WithLabelValues(s.encoder.framing.String(), s.encoder.encoding.String())
}

func kindOf(c *protocol.Command) string {
	switch {
	case c.Connect != nil:
		return "connect"
	case c.Subscribe != nil:
		return "subscribe"
	case c.Unsubscribe != nil:
		return "unsubscribe"
	case c.Publish != nil:
		return "publish"
	case c.Presence != nil:
		return "presence"
	case c.PresenceStats != nil:
		return "presence_stats"
	case c.History != nil:
		return "history"
	case c.RPC != nil:
		return "rpc"
	case c.Refresh != nil:
		return "refresh"
	case c.SubRefresh != nil:
		return "sub_refresh"
	case c.Ping != nil:
		return "ping"
	case c.Send != nil:
		return "send"
	default:
		return "pong"
	}
}
