package centrifuge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// connect begins to work on the connect command. It needs turn.
func (s *session) connect(r request, q *protocol.ConnectRequest) *protocol.Disconnect {
	if stage(s.stage.Load()) != fresh {
		s.fail(r, protocol.ErrorBadRequest.WithMessage("connected already"))
		return nil
	}
	s.stage.Store(int32(connecting))
	if !s.gateway.start(func() { s.runConnect(r, q) }) {
		return &protocol.DisconnectShutdown
	}
	return nil
}

func (s *session) runConnect(r request, q *protocol.ConnectRequest) {
	token, err := s.authenticate(q.Token)
	var subs []*subscription
	result := &protocol.ConnectResult{
		Client: s.id, Version: s.gateway.options.Version, Session: s.secret, Node: s.gateway.node,
		Ping: uint32(s.gateway.limits.PingInterval / time.Second), Pong: true,
	}
	if err == nil {
		s.actor = chat.Actor{App: token.App, User: token.User, Client: s.id, Info: token.Info}
		s.device = deviceName(q.Name)
		s.issued.Store(token.IssuedAt.UnixMilli())
		err = s.gateway.reserve(token.App)
	}
	if err == nil {
		if subs, result.Subs, err = s.subscribeAtConnect(token, q); err != nil {
			s.gateway.people.Release(token.App)
		}
	}
	var end protocol.Disconnect
	if errors.As(err, &end) {
		s.count(r, "disconnect")
		s.disconnect(end)
		return
	}
	if err != nil {
		s.conn.After(s.gateway.limits.ConnectTimeout, deadlineConnect)
		s.finishConnect(fresh, func() { s.fail(r, err) })
		return
	}
	now := s.gateway.now()
	result.Time = now.UnixMilli()
	result.Expires, result.TTL = s.expire(token.ExpiresAt, now)
	s.gauge().Inc()
	s.finishConnect(connected, func() {
		s.reply(r, &protocol.Reply{Connect: result}, func() {
			for _, sub := range subs {
				sub.place.Start()
			}
		})
	})
	ctx, cancel := context.WithTimeout(s.gateway.ctx, s.gateway.limits.RequestTimeout)
	defer cancel()
	s.answered(ctx, subs...)
}

// finishConnect answers, and takes the commands that came meanwhile. Those that follow the answer wait for turn.
func (s *session) finishConnect(now stage, answer func()) {
	s.turn.Lock()
	answer()
	s.mu.Lock()
	if s.closed && now == connected {
		now = fresh // Closed came before it could see that the session was connected
		s.gauge().Dec()
		s.gateway.people.Release(s.actor.App)
	}
	if now == connected {
		s.gateway.people.Add(s.person(), s)
	}
	s.stage.Store(int32(now))
	s.mu.Unlock()
	var end *protocol.Disconnect
	pending := s.pending
	s.pending, s.pendingBytes = nil, 0
	s.out.hold()
	for _, c := range pending {
		if now != connected {
			// They were sent in the hope that connecting would succeed.
			s.fail(request{id: c.ID, kind: kindOf(c), start: s.gateway.now()}, protocol.ErrorUnauthorized)
			continue
		}
		if end = s.take(c); end != nil {
			break
		}
	}
	s.out.release()
	s.turn.Unlock()
	if end != nil {
		s.disconnect(*end)
	} else if now == connected {
		s.readmit() // the token may have been revoked before anybody could find the session
	}
}

// authenticate says who the client is: an error for the client to answer to, or a protocol.Disconnect.
func (s *session) authenticate(token string) (auth.Connection, error) {
	if token == "" && s.gateway.options.Anonymous {
		return auth.Connection{App: auth.DefaultApp}, nil
	}
	if token == "" {
		return auth.Connection{}, protocol.ErrorUnauthorized
	}
	if s.gateway.options.Tokens == nil {
		return auth.Connection{}, protocol.DisconnectInvalidToken
	}
	c, err := s.gateway.options.Tokens.Connection(token)
	switch {
	case errors.Is(err, auth.ErrExpired):
		return c, protocol.ErrorTokenExpired
	case errors.Is(err, auth.ErrUnavailable):
		return c, err
	case err != nil, chat.CheckUser(c.User) != nil, len(c.App) > chat.MaxName:
		return c, protocol.DisconnectInvalidToken
	}
	return c, s.gateway.admit(c.App, c.User, c.IssuedAt)
}

// expire sets the time until which the connection's token must be refreshed, and gives what the client is told of it.
func (s *session) expire(at, now time.Time) (expires bool, ttl uint32) {
	if at.IsZero() || at.Sub(now) > farAway {
		s.conn.Cancel(deadlineToken)
		return false, 0
	}
	s.conn.After(at.Sub(now)+s.gateway.limits.ExpiryGrace, deadlineToken)
	return true, ttlOf(at, now)
}

// ttlOf is the time to a token's end in whole seconds, at least 1: 0 would mean for ever.
func ttlOf(at, now time.Time) uint32 {
	return uint32(max(1, math.Ceil(at.Sub(now).Seconds())))
}

// subscribeAtConnect makes the server-side subscriptions: to the personal feed, to the channels that the token names, and to the rooms of
// the user. A channel that the user may not have is left out; any other failure fails the connect command.
func (s *session) subscribeAtConnect(token auth.Connection, q *protocol.ConnectRequest) (
	[]*subscription, map[string]*protocol.SubscribeResult, error,
) {
	ctx, cancel := context.WithTimeout(s.gateway.ctx, s.gateway.limits.RequestTimeout)
	defer cancel()
	channels := s.serverChannels(token)
	named := len(channels)
	rooms, err := s.roomsAtConnect(ctx, channels, q.Data)
	if err != nil {
		return nil, nil, err
	}
	channels = append(channels, rooms...)
	if len(channels) == 0 {
		return nil, nil, nil
	}
	subs := make([]*subscription, len(channels))
	results := make([]*protocol.SubscribeResult, len(channels))
	failed := make([]error, len(channels))
	var group sync.WaitGroup
	slots := make(chan struct{}, s.gateway.limits.Running)
	bytes := min(s.recoverBytes(), max(4<<10, 2*s.gateway.limits.RecoverBytes/len(channels)))
	for i, channel := range channels {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			w := wish{channel: channel, bytes: bytes, server: true, ofRoom: i >= named, chanInfo: token.Subs[channel].Info}
			if since := q.Subs[channel]; since != nil {
				w.since = sinceOf(since)
			}
			s.takePlace()
			subs[i], results[i], failed[i] = s.enter(ctx, w)
			if failed[i] == nil {
				results[i].Data = token.Subs[channel].Data
			}
		})
	}
	group.Wait()
	return s.collect(channels, subs, results, failed)
}

// roomsAtConnect lists the rooms of the user, besides the given channels: as many as the client wants by {"rooms":N} in the connect
// command's data, and as there are places for.
func (s *session) roomsAtConnect(ctx context.Context, besides []string, data []byte) ([]string, error) {
	wanted := struct {
		Rooms *int `json:"rooms"`
	}{}
	_ = json.Unmarshal(data, &wanted) // the data is the application's own and may be anything
	limit := min(s.gateway.limits.ServerSubscriptions, s.gateway.limits.Subscriptions) - len(besides)
	if wanted.Rooms != nil {
		limit = min(limit, *wanted.Rooms)
	}
	if s.actor.User == "" || limit <= 0 {
		return nil, nil
	}
	rooms, err := s.gateway.options.Chat.Joined(ctx, s.actor, limit)
	if err != nil {
		return nil, fmt.Errorf("list the rooms of the user: %w", err)
	}
	return slices.DeleteFunc(rooms, func(room string) bool { return slices.Contains(besides, room) }), nil
}

// collect leaves out what was not allowed, and undoes everything after another failure.
func (s *session) collect(channels []string, subs []*subscription, results []*protocol.SubscribeResult, failed []error) (
	entered []*subscription, byChannel map[string]*protocol.SubscribeResult, err error,
) {
	byChannel = map[string]*protocol.SubscribeResult{}
	for i, channel := range channels {
		switch answer, _ := errorOf(failed[i]); {
		case failed[i] == nil:
			entered = append(entered, subs[i])
			byChannel[channel] = results[i]
		case answer.Temporary:
			err = fmt.Errorf("subscribe to %q at connect: %w", channel, failed[i])
		default:
			s.gateway.metrics.skipped.Inc()
		}
	}
	if err != nil {
		for _, sub := range entered {
			s.leave(sub)
		}
		return nil, nil, err
	}
	return entered, byChannel, nil
}

// serverChannels lists the channels that the server subscribes the client to, the personal one first.
func (s *session) serverChannels(token auth.Connection) []string {
	var channels []string
	if token.User != "" {
		channels = append(channels, chat.PersonalChannel(token.User))
	}
	named := slices.Clone(token.Channels)
	for channel := range token.Subs {
		named = append(named, channel)
	}
	slices.Sort(named)
	for _, channel := range slices.Compact(named) {
		if !slices.Contains(channels[:min(1, len(channels))], channel) {
			channels = append(channels, channel)
		}
	}
	limit := min(s.gateway.limits.ServerSubscriptions, s.gateway.limits.Subscriptions)
	if excess := len(channels) - limit; excess > 0 {
		s.gateway.metrics.skipped.Add(float64(excess))
		channels = channels[:limit]
	}
	return channels
}
