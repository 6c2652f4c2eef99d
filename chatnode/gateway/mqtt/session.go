package mqtt

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// Kinds of conn.Handler.Deadline.
const (
	deadlineLogin     = iota // CONNECT is late
	deadlinePacket           // the rest of a packet is late
	deadlineKeepAlive        // the client may have been silent for too long
	deadlineToken            // the token has expired
)

// codeEnd closes a WebSocket that this gateway ends; the reason says why.
const codeEnd = 1008

// session is one client connection. Locks are taken in this order: a room of the fan-out, mu, the connection's; none is held while a method
// of a fanout.Subscription is called.
type session struct {
	gateway *Gateway
	conn    *conn.Conn

	// What follows is touched by the connection's events only.

	// partial is the beginning of a packet whose rest has not come.
	partial   []byte
	in        bool // logged in
	over      bool // nothing more is read
	keepAlive time.Duration
	spoke     time.Time

	// What follows is set before the session is logged in, and not changed then.

	actor  chat.Actor
	id     chat21.Identity
	client string // its MQTT client id
	// sibling is another session of the same user.
	sibling *session

	// will is what is published when the client goes without a word, by whoever takes it out.
	will atomic.Pointer[packet.Will]
	// refused is true if some subscription's write was refused.
	refused atomic.Bool
	// tailored is true unless everything is to be delivered, with QoS 0.
	tailored atomic.Bool

	mu sync.Mutex // guards what follows
	// spare is signalled when the queue has room, and when all is done.
	spare *sync.Cond
	// closed is true once nothing more is begun.
	closed  bool
	working bool
	queue   []func(ctx context.Context)
	news    []news
	filters []packet.Filter
	places  map[string]*subscription // by channel
	// unacknowledged are the packet identifiers of messages with QoS 1, lastID the one used last.
	unacknowledged map[uint16]struct{}
	lastID         uint16
	// replies wait for room in the connection's queue.
	replies []byte
}

// Sibling implements people.Session.
func (s *session) Sibling() **session { return &s.sibling }

// open makes the session of a new connection.
func (g *Gateway) open(c *conn.Conn) *session {
	s := &session{gateway: g, conn: c}
	s.spare = sync.NewCond(&s.mu)
	c.After(g.limits.LoginTimeout, deadlineLogin)
	return s
}

// Frame implements conn.Handler. Packets may come in any pieces, over WebSockets too.
func (s *session) Frame(payload []byte) {
	if s.over {
		return
	}
	if s.conn.Framing() != conn.Raw && !s.conn.Binary() {
		s.end("malformed", "packets are binary messages")
		return
	}
	stream := payload
	if len(s.partial) > 0 {
		s.partial = append(s.partial, payload...)
		stream = s.partial
	}
	for !s.over {
		limit := s.gateway.limits.LoginBytes
		if s.in {
			limit = s.gateway.limits.PacketBytes
		}
		p, rest, more, err := packet.Cut(stream, limit)
		if err != nil {
			s.end("malformed", err.Error())
			return
		}
		if more {
			break
		}
		stream = rest
		s.take(p)
	}
	s.keep(stream)
	s.spoke = time.Now() // not before: a client is not silent while nothing is read from it
}

// keep remembers the beginning of a packet until its rest is there.
func (s *session) keep(stream []byte) {
	switch was := len(s.partial) > 0; {
	case len(stream) == 0 || s.over:
		s.partial = nil
		if was {
			s.conn.Cancel(deadlinePacket)
		}
		return
	case was && len(stream) == len(s.partial):
		return // the same packet, with its deadline
	}
	s.partial = append([]byte(nil), stream...)
	s.conn.After(s.gateway.limits.PacketTimeout, deadlinePacket)
}

// take works on a packet, or has that done behind those before it.
func (s *session) take(p packet.Packet) {
	s.gateway.metrics.packets.WithLabelValues(p.Type.String()).Inc()
	var err error
	switch {
	case !s.in && p.Type != packet.TypeConnect:
		s.end("protocol", "the first packet must be CONNECT")
	case p.Type == packet.TypePublish:
		err = s.publish(p)
	case p.Type == packet.TypePingreq:
		if err = packet.CheckEmpty(p); err == nil {
			s.reply(packet.AppendPingresp(nil))
		}
	case p.Type == packet.TypePuback:
		err = s.acknowledged(p)
	case p.Type == packet.TypeSubscribe:
		err = s.subscribe(p)
	case p.Type == packet.TypeUnsubscribe:
		err = s.unsubscribe(p)
	case p.Type == packet.TypeDisconnect:
		if err = packet.CheckEmpty(p); err == nil {
			s.will.Store(nil)
			s.over = true
			s.finish()
			s.conn.Close(1000, "")
		}
	case p.Type == packet.TypeConnect && !s.in:
		err = s.connect(p)
	default:
		s.end("protocol", p.Type.String()+" is not for clients to send, or not now")
	}
	if err != nil {
		s.end("malformed", err.Error())
	}
}

// connect logs the client in.
func (s *session) connect(p packet.Packet) error {
	c, err := packet.ParseConnect(p)
	switch {
	case err != nil:
		return err
	case c.OtherVersion:
		s.refuse("version", packet.RefusedVersion)
		return nil
	case c.ClientID == "" && !c.Clean:
		s.refuse("identifier", packet.RefusedIdentifier)
		return nil
	}
	if s.client = c.ClientID; s.client == "" {
		s.client = uuid.NewString()
	}
	if s.id, err = s.gateway.timelines.Identify(string(c.Password)); err != nil {
		s.refuse(loginResult(err), refusalOf(err))
		return nil
	}
	if c.Will != nil && !s.mayWrite(c.Will.Topic) {
		s.refuse("will", packet.RefusedUnauthorized)
		return nil
	}
	s.actor = s.id.Actor(uuid.NewString())
	if !s.gateway.people.Reserve(s.id.App, s.gateway.options.Chat.Connections(s.id.App)) {
		s.refuse("quota", packet.RefusedUnavailable)
		return nil
	}
	for _, other := range s.gateway.people.Add(s.id.Person(), s) {
		if other.client == s.client {
			s.await(s.gateway.bequeath(other)) // before its end can do so, of which nobody here would know
			other.disconnect("replaced", "another connection has the same client id")
		}
	}
	s.in = true
	if c.Will != nil {
		c.Will.Payload = append([]byte(nil), c.Will.Payload...)
		s.will.Store(c.Will)
	}
	s.gateway.metrics.logins.WithLabelValues("accepted").Inc()
	s.gateway.metrics.sessions.WithLabelValues(s.conn.Framing().String()).Inc()
	s.watchTimes(c.KeepAlive)
	s.reply(packet.AppendConnack(nil, packet.Accepted))
	s.readmit() // the token may have been revoked before anybody could find the session
	return nil
}

// farAway is beyond every deadline that matters.
const farAway = 365 * 24 * time.Hour

func (s *session) watchTimes(keepAlive uint16) {
	s.conn.Cancel(deadlineLogin)
	if left := s.id.Expires.Sub(s.gateway.now()); !s.id.Expires.IsZero() && left < farAway {
		s.conn.After(left, deadlineToken)
	}
	if s.keepAlive = time.Duration(keepAlive) * time.Second * 3 / 2; s.keepAlive > 0 {
		s.conn.After(s.keepAlive, deadlineKeepAlive)
	}
}

// refuse answers CONNECT with a code that says why there is no login.
func (s *session) refuse(result string, code byte) {
	s.gateway.metrics.logins.WithLabelValues(result).Inc()
	s.reply(packet.AppendConnack(nil, code))
	s.over = true
	s.conn.Close(codeEnd, "not logged in: "+result)
}

// reply writes an answer, if need be when the connection's queue has room again.
func (s *session) reply(wire []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = s.conn.Framing().Append(s.replies, wire)
	s.flush()
	if len(s.replies) > s.gateway.limits.ReplyBytes {
		s.disconnect("slow", "answers were not taken")
	}
}

// flush needs mu.
func (s *session) flush() {
	if len(s.replies) > 0 && s.conn.Write(s.replies) {
		s.replies = nil
	}
}

// end stops reading, and ends the connection.
func (s *session) end(reason, why string) {
	s.over = true
	s.disconnect(reason, why)
}

// disconnect ends the connection. MQTT 3.1.1 has no word for why; a WebSocket's close frame says it.
func (s *session) disconnect(reason, why string) {
	s.gateway.metrics.ends.WithLabelValues(reason).Inc()
	s.conn.Close(codeEnd, why)
}

// Drained implements conn.Handler: what waits for room in the queue goes on, answers first.
func (s *session) Drained() {
	s.mu.Lock()
	s.flush()
	s.mu.Unlock()
	s.resume()
}

// resume goes on with the subscriptions whose writes were refused.
func (s *session) resume() {
	if !s.refused.Swap(false) {
		return
	}
	var behind []*fanout.Subscription
	s.mu.Lock()
	for _, sub := range s.places {
		if sub.refused.Swap(false) {
			behind = append(behind, sub.place)
		}
	}
	s.mu.Unlock()
	for _, place := range behind {
		place.Drained()
	}
}

// Pulse implements conn.Handler. With MQTT it is the client that pings.
func (s *session) Pulse() {}

// Deadline implements conn.Handler.
func (s *session) Deadline(kind int) {
	switch kind {
	case deadlineLogin:
		s.end("login", "CONNECT did not come in time")
	case deadlinePacket:
		s.end("packet", "a packet took too long")
	case deadlineToken:
		s.end("expired", "the token has expired")
	case deadlineKeepAlive:
		if left := s.keepAlive - time.Since(s.spoke); left > 0 {
			s.conn.After(left, deadlineKeepAlive)
			return
		}
		s.end("keepalive", "nothing came for one and a half times the keep-alive")
	}
}

// Closed implements conn.Handler.
func (s *session) Closed(error) {
	s.mu.Lock()
	s.halt()
	places := s.places
	s.places, s.news, s.replies = nil, nil, nil
	s.mu.Unlock()
	for _, sub := range places {
		sub.place.Close()
	}
	if !s.in {
		return
	}
	s.gateway.metrics.sessions.WithLabelValues(s.conn.Framing().String()).Dec()
	if s.gateway.people.Remove(s.id.Person(), s) {
		s.gateway.options.Chat.Left(s.actor.App, s.actor.User)
	}
	s.gateway.bequeath(s)
}
