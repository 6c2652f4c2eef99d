package centrifuge

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// Kinds of conn.Handler.Deadline.
const (
	deadlineConnect       = iota // the connect command is late
	deadlinePong                 // the answer to a ping is late
	deadlineToken                // the connection's token has expired
	deadlineSubscriptions        // a subscription's token may have expired
)

// stage is how far a session has come.
type stage int32

const (
	fresh      stage = iota // waits for the connect command
	connecting              // works on it
	connected
)

// session is one client connection. Locks are taken in this order: turn, a room of the fan-out, mu or out's, the connection's; none but
// turn is held while a method of a fanout.Subscription is called.
type session struct {
	gateway *Gateway
	conn    *conn.Conn
	encoder encoder
	// id names the connection to everybody; whoever knows secret may speak for it.
	id, secret string
	out        outbox
	stage      atomic.Int32

	// unanswered is true while a pong is awaited; it is touched by the connection's events only.
	unanswered bool
	// latePongs is how many times the answer was late, while the ping may have lain behind what the client has not read.
	latePongs int

	// turn is held while commands are taken, and guards what follows.
	turn sync.Mutex
	// pending are commands that came while connecting, in frames of pendingBytes together.
	pending              []*protocol.Command
	pendingBytes         int
	commands, subscribes bucket

	// actor is set before stage is connected, and not changed then.
	actor chat.Actor
	// device is what the client called itself, and set with actor.
	device string
	// sibling is another session of the same user.
	sibling *session

	// issued is when the token was, in milliseconds since 1970.
	issued atomic.Int64

	// refused is true if some subscription's write was refused.
	refused atomic.Bool

	mu       sync.Mutex // guards what follows
	closed   bool
	tasks    tasks
	sending  int
	failures bucket
	subs     map[string]*subscription
	// places counts subscriptions, also those asked for.
	places int
	// nextExpiry is the time of deadlineSubscriptions, or zero.
	nextExpiry time.Time
}

// person is the user, if it has a name.
func (s *session) person() people.Person { return people.Person{App: s.actor.App, User: s.actor.User} }

// Sibling implements people.Session.
func (s *session) Sibling() **session { return &s.sibling }

// open makes the session of a new connection.
func (g *Gateway) open(c *conn.Conn, encoding protocol.Encoding) *session {
	s := &session{gateway: g, conn: c, encoder: encoder{g.metrics, encoding, c.Framing()}, id: uuid.NewString(), secret: newSecret()}
	s.out = outbox{conn: c, encoder: s.encoder, limit: g.limits.ReplyBytes, waiting: g.metrics.replies}
	c.After(g.limits.ConnectTimeout, deadlineConnect)
	return s
}

// Frame implements conn.Handler.
func (s *session) Frame(payload []byte) {
	if s.unanswered {
		s.unanswered, s.latePongs = false, 0
		s.conn.Cancel(deadlinePong)
	}
	commands, broken := protocol.DecodeCommands(s.encoder.encoding, payload, s.gateway.codec)
	s.turn.Lock()
	s.out.hold()
	var end *protocol.Disconnect
	for _, c := range commands {
		if end = s.take(c); end != nil {
			break
		}
	}
	if len(s.pending) > 0 {
		if s.pendingBytes += len(payload); s.pendingBytes > 2*s.gateway.limits.FrameBytes {
			end = &protocol.DisconnectTooManyRequests
		}
	}
	s.out.release()
	s.turn.Unlock()
	switch {
	case end != nil:
		s.disconnect(*end)
	case errors.Is(broken, protocol.ErrFrameTooLarge), errors.Is(broken, protocol.ErrMessageTooLarge):
		s.disconnect(protocol.Disconnect{Code: 1009, Reason: broken.Error()})
	case broken != nil:
		s.disconnect(protocol.Disconnect{Code: protocol.DisconnectBadRequest.Code, Reason: broken.Error()})
	}
}

// Drained implements conn.Handler: what waits for room in the queue goes on, replies first.
func (s *session) Drained() {
	if !s.out.drained() {
		return
	}
	s.resume()
	if !s.refused.Swap(false) {
		return
	}
	var behind []*fanout.Subscription
	s.mu.Lock()
	for _, sub := range s.subs {
		if sub.refused.Swap(false) {
			behind = append(behind, sub.place)
		}
	}
	s.mu.Unlock()
	for _, place := range behind {
		place.Drained()
	}
}

// Pulse implements conn.Handler.
func (s *session) Pulse() {
	if stage(s.stage.Load()) != connected || s.unanswered || s.out.blocked.Load() {
		return
	}
	s.gateway.metrics.pushes.WithLabelValues("ping").Inc()
	if s.conn.Write(s.encoder.reply(&protocol.Reply{})) {
		s.unanswered = true
		s.conn.After(s.gateway.limits.PongTimeout, deadlinePong)
	}
}

// Deadline implements conn.Handler.
func (s *session) Deadline(kind int) {
	switch kind {
	case deadlineConnect:
		if stage(s.stage.Load()) == fresh {
			s.disconnect(protocol.DisconnectStale)
		}
	case deadlinePong:
		s.pongLate()
	case deadlineToken:
		s.disconnect(protocol.DisconnectExpired)
	case deadlineSubscriptions:
		s.gateway.start(s.expireSubscriptions)
	}
}

// unreadSlack is more than what lies in a dead connection in which next to nothing but a ping was sent, in bytes; maxLatePongs is how
// many times PongTimeout a client that reads nothing may be late, if the socket's own rule for a full queue does not apply yet.
const (
	unreadSlack  = 4 << 10
	maxLatePongs = 9
)

// pongLate ends a session that has not answered a ping, unless the ping may lie behind much that the client has not read: a client that
// reads slowly, or has stopped for a minute, is not dead.
func (s *session) pongLate() {
	s.latePongs++
	switch {
	case s.conn.Backlog() > 0: // how long it may take nothing then is the socket's rule
	case s.conn.Unsent() > unreadSlack && s.latePongs < maxLatePongs:
	default:
		s.disconnect(protocol.DisconnectNoPong)
		return
	}
	s.conn.After(s.gateway.limits.PongTimeout, deadlinePong)
}

// Closed implements conn.Handler.
func (s *session) Closed(error) {
	s.gateway.forget(s)
	s.mu.Lock()
	s.closed = true
	subs := s.subs
	s.subs = nil
	s.gateway.metrics.waiting.Sub(float64(len(s.tasks.waiting)))
	s.tasks.waiting = nil
	s.mu.Unlock()
	s.out.close()
	for _, sub := range subs {
		sub.place.Close()
	}
	if stage(s.stage.Swap(int32(fresh))) == connected {
		s.gauge().Dec()
		s.gateway.left(s)
	}
}

// Farewell implements conn.Farewell. A WebSocket's close frame says it all.
func (s *session) Farewell(code int, reason string) []byte {
	if s.encoder.framing == conn.WSText || s.encoder.framing == conn.WSBinary {
		return nil
	}
	return s.encoder.reply(protocol.Disconnect{Code: uint32(code), Reason: reason}.Reply())
}

// disconnect ends the connection, after the replies that are ready.
func (s *session) disconnect(d protocol.Disconnect) {
	s.gateway.metrics.ends.WithLabelValues(strconv.FormatUint(uint64(d.Code), 10)).Inc()
	s.conn.Close(int(d.Code), d.Reason)
}
