package centrifuge

import (
	"context"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// refreshLane keeps refreshes in order.
const refreshLane = "\x00refresh"

// refresh takes a new connection token. One that is expired or invalid ends the connection as its absence would have done.
func (s *session) refresh(r request, q *protocol.RefreshRequest) {
	if q.Token == "" {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("no token"))
		return
	}
	ok := s.begin(refreshLane, func(context.Context) { s.runRefresh(r, q.Token) })
	if !ok {
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}

func (s *session) runRefresh(r request, text string) {
	token, err := s.authenticate(text)
	var end protocol.Disconnect
	switch {
	case errors.Is(err, protocol.ErrorTokenExpired):
		end = protocol.DisconnectExpired
	case err == nil && (token.User != s.actor.User || token.App != s.actor.App):
		end = protocol.DisconnectInvalidToken
	case errors.As(err, &end):
	case err != nil:
		s.fail(r, err)
		return
	}
	if end.Code != 0 {
		s.count(r, "disconnect")
		s.disconnect(end)
		return
	}
	s.issued.Store(token.IssuedAt.UnixMilli())
	result := &protocol.RefreshResult{Client: s.id, Version: s.gateway.options.Version}
	result.Expires, result.TTL = s.expire(token.ExpiresAt, s.gateway.now())
	s.reply(r, &protocol.Reply{Refresh: result}, nil)
}

// subRefresh takes a new subscription token.
func (s *session) subRefresh(r request, q *protocol.SubRefreshRequest) {
	ok := s.begin(q.Channel, func(context.Context) { s.runSubRefresh(r, q) })
	if !ok {
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}

func (s *session) runSubRefresh(r request, q *protocol.SubRefreshRequest) {
	sub := s.find(q.Channel)
	if sub == nil {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("not subscribed"))
		return
	}
	token, err := s.subscriptionToken(q.Channel, q.Token)
	if errors.Is(err, auth.ErrUnavailable) || errors.Is(err, protocol.ErrorTokenExpired) {
		s.fail(r, err)
		return
	}
	if err != nil {
		s.count(r, "disconnect")
		s.disconnect(protocol.DisconnectInvalidToken)
		return
	}
	s.mu.Lock()
	sub.expires = token.ExpiresAt
	s.awaitExpiry(sub)
	s.mu.Unlock()
	result := &protocol.SubRefreshResult{Expires: !token.ExpiresAt.IsZero()}
	if result.Expires {
		result.TTL = ttlOf(token.ExpiresAt, s.gateway.now())
	}
	s.reply(r, &protocol.Reply{SubRefresh: result}, nil)
}

// farAway is a time of life of a token that is as good as none; more does not fit the timers of clients.
const farAway = 24 * 24 * time.Hour
