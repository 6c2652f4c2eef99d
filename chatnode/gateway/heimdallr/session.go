package heimdallr

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// sendWait bounds the wait for a message to be stored: longer than the log itself tries.
const sendWait = 25 * time.Second

// Close codes of RFC 6455 and its registry.
const (
	codeGoingAway   = 1001
	codeUnsupported = 1003
	codePolicy      = 1008
	codeTooBig      = 1009
	codeInternal    = 1011
	codeRestart     = 1012
	codeTryLater    = 1013
)

// session is one client connection, and its place in the fan-out of its room.
type session struct {
	gateway *Gateway
	conn    *conn.Conn
	place   *fanout.Subscription
	room    string
	actor   chat.Actor
	// number tells the sessions of this node apart.
	number uint64
	// ready is true once the connection knows its handler, which gives the notice at its end. Until then nobody but serveRoom ends it.
	ready atomic.Bool
	// host is the address at which the client has reached this node.
	host netip.Addr
	// refused is true if a write was refused, so that Drained goes on with it.
	refused atomic.Bool
}

func (g *Gateway) newSession(room string, host netip.Addr) *session {
	// The connection's own name keeps its messages in order among themselves, and lets those of others be stored meanwhile.
	actor := chat.Actor{App: g.options.App, Server: true, Client: uuid.NewString()}
	return &session{gateway: g, room: room, actor: actor, host: host}
}

// Frame implements conn.Handler. The client has one message at a time on its way to the log, and the next one is read when that is stored, so
// that nothing piles up here.
func (s *session) Frame(payload []byte) {
	if s.conn.Binary() {
		s.end(codeUnsupported, "messages are text")
		return
	}
	ctx, cancel := context.WithTimeout(s.gateway.ctx, sendWait)
	defer cancel()
	_, err := s.gateway.options.Chat.Say(s.actor, channelOf(s.room), contentOf(string(payload))).Wait(ctx)
	s.gateway.metrics.received(err)
	if err != nil {
		s.lost(err)
	}
}

// lost ends the connection of a client whose message is not stored: there is no other way to tell it.
func (s *session) lost(err error) {
	var failed *chat.Error
	if !errors.As(err, &failed) {
		failed = &chat.Error{Kind: chat.Internal}
	}
	switch failed.Kind {
	case chat.Invalid:
		s.end(codeTooBig, failed.Message)
	case chat.Denied, chat.NotFound, chat.Limit:
		s.end(codePolicy, failed.Message)
	case chat.TooMany, chat.Unavailable:
		s.end(codeTryLater, "the last message may not be stored: "+failed.Message)
	default:
		s.gateway.log.Error("a message of a client of heimdallr is lost", "room", s.room, "error", err)
		s.end(codeInternal, "the last message is not stored")
	}
}

func (s *session) end(code int, reason string) { s.conn.Close(code, reason) }

// Drained implements conn.Handler.
func (s *session) Drained() {
	if s.refused.Swap(false) {
		s.place.Drained()
	}
}

// Pulse implements conn.Handler: proxies keep what is not silent, and clients answer pings by themselves.
func (s *session) Pulse() { s.conn.Write(conn.Ping()) }

// Deadline implements conn.Handler: none is set.
func (s *session) Deadline(int) {}

// Closed implements conn.Handler.
func (s *session) Closed(error) {
	s.place.Close()
	s.gateway.leave(s)
}

// Farewell implements conn.Farewell: who has to leave is told to connect elsewhere.
func (s *session) Farewell(int, string) []byte {
	protocol := s.gateway.failover.Load()
	if protocol == nil {
		return nil
	}
	s.gateway.metrics.notices.Inc()
	return conn.WSText.Append(nil, notice(*protocol, s.host, s.room))
}

// Encoder implements fanout.Member.
func (s *session) Encoder() fanout.Encoder { return s.gateway.encoder }

// Write implements fanout.Member.
func (s *session) Write(wire []byte) bool {
	if s.conn.Write(wire) {
		return true
	}
	s.refused.Store(true)
	return s.conn.Write(wire) // the queue may have emptied just now, before Drained could see the mark
}

// Reset implements fanout.Member: what is missing nobody can tell, so the client has to come again.
func (s *session) Reset() { s.end(codeRestart, "the room's log has begun anew") }
