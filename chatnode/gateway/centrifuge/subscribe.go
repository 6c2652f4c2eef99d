package centrifuge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// wish says how a subscription is wanted.
type wish struct {
	channel string
	// since is the position to recover from, or nil.
	since *backbone.Position
	// bytes bounds what is recovered in the result.
	bytes     int
	joinLeave bool
	server    bool
	ofRoom    bool
	chanInfo  json.RawMessage
	expires   time.Time
}

// sinceOf is the position that a client wants to recover from, or nil.
func sinceOf(q *protocol.SubscribeRequest) *backbone.Position {
	if !q.Recover {
		return nil
	}
	return &backbone.Position{Epoch: q.Epoch, Offset: q.Offset}
}

// subscribe begins to work on a subscribe command, for which a place is taken.
func (s *session) subscribe(r request, q *protocol.SubscribeRequest) {
	if !s.begin(q.Channel, func(ctx context.Context) { s.runSubscribe(ctx, r, q) }) {
		s.freePlace()
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}

func (s *session) runSubscribe(ctx context.Context, r request, q *protocol.SubscribeRequest) {
	w := wish{channel: q.Channel, since: sinceOf(q), bytes: s.recoverBytes(), joinLeave: q.JoinLeave}
	if q.Token != "" {
		token, err := s.subscriptionToken(q.Channel, q.Token)
		if err != nil {
			s.freePlace()
			s.fail(r, err)
			return
		}
		w.chanInfo, w.expires = token.Info, token.ExpiresAt
	}
	sub, result, err := s.enter(ctx, w)
	if err != nil {
		s.fail(r, err)
		return
	}
	if !w.expires.IsZero() {
		result.Expires, result.TTL = true, ttlOf(w.expires, s.gateway.now())
	}
	s.reply(r, &protocol.Reply{Subscribe: result}, sub.place.Start)
	s.answered(ctx, sub)
}

// recoverBytes bounds the publications in one subscribe result. SDKs give up a stream in Protobuf when a reply comes in more than one
// piece, so there all publications follow as pushes; in the other streams they mix up long runs of pushes, so there the result has more.
func (s *session) recoverBytes() int {
	switch s.encoder.framing {
	case conn.LengthPrefixed:
		return 1
	case conn.Lines, conn.SSE:
		return 4 * s.gateway.limits.RecoverBytes
	default:
		return s.gateway.limits.RecoverBytes
	}
}

// subscriptionToken verifies a subscription token of this client for a channel.
func (s *session) subscriptionToken(channel, text string) (auth.Subscription, error) {
	if s.gateway.options.Tokens == nil {
		return auth.Subscription{}, protocol.ErrorPermissionDenied
	}
	token, err := s.gateway.options.Tokens.Subscription(text)
	switch {
	case errors.Is(err, auth.ErrExpired):
		return token, protocol.ErrorTokenExpired
	case errors.Is(err, auth.ErrUnavailable):
		return token, err
	case err != nil:
		return token, protocol.ErrorPermissionDenied.WithMessage("the subscription token is invalid")
	case token.User != s.actor.User, token.App != s.actor.App, token.Channel != channel, token.Client != "" && token.Client != s.id:
		return token, protocol.ErrorPermissionDenied.WithMessage("the subscription token is for somebody or something else")
	}
	if token.ExpiresAt.Sub(s.gateway.now()) > farAway {
		token.ExpiresAt = time.Time{}
	}
	return token, nil
}

// enter makes a subscription, for which a place is taken; an error frees it. Nothing flows before its Start.
func (s *session) enter(ctx context.Context, w wish) (*subscription, *protocol.SubscribeResult, error) {
	sub := &subscription{session: s, channel: w.channel, server: w.server, ofRoom: w.ofRoom, expires: w.expires}
	result, err := s.join(ctx, w, sub)
	if err == nil && !s.add(sub) {
		sub.place.Close()
		err = protocol.ErrorNotAvailable
	}
	if err != nil {
		s.freePlace()
		return nil, nil, err
	}
	return sub, result, nil
}

func (s *session) join(ctx context.Context, w wish, sub *subscription) (*protocol.SubscribeResult, error) {
	if there := s.find(w.channel); there != nil && !(there.ofRoom && s.leave(there)) {
		return nil, protocol.ErrorAlreadySubscribed
	}
	access, err := s.gateway.options.Chat.Access(ctx, s.actor, w.channel, chat.Subscribe)
	if err != nil {
		return nil, err
	}
	if w.since != nil && w.since.Offset < access.Floor {
		w.since = &backbone.Position{Epoch: w.since.Epoch, Offset: access.Floor} // what is before is not for this user
	}
	info := &protocol.ClientInfo{User: s.actor.User, Client: s.id, ConnInfo: s.actor.Info, ChanInfo: w.chanInfo}
	place, got, err := s.gateway.options.Hub.Subscribe(ctx, access.Feed, fanout.Request{
		Since: w.since, MaxBytes: w.bytes, JoinLeave: w.joinLeave && s.mayLookAround(ctx, w.channel),
		Info: protocol.AppendClientInfo(protocol.JSON, nil, info),
	}, sub)
	if err != nil {
		return nil, err
	}
	sub.place = place
	return &protocol.SubscribeResult{
		Recoverable: true, Positioned: true, Epoch: got.Head.Epoch, Offset: got.Head.Offset,
		Publications: publications(got.Messages), Recovered: w.since != nil && got.Recovered, WasRecovering: w.since != nil,
	}, nil
}

// unsubscribe begins to work on an unsubscribe command. It waits for a subscribe to the same channel that is under way.
func (s *session) unsubscribe(r request, q *protocol.UnsubscribeRequest) {
	ok := s.begin(q.Channel, func(context.Context) {
		if sub := s.find(q.Channel); sub != nil {
			s.leave(sub)
		}
		s.reply(r, &protocol.Reply{Unsubscribe: &protocol.UnsubscribeResult{}}, nil)
	})
	if !ok {
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}
