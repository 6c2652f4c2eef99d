package mqtt

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// maxReviews is how many changes of rights wait to be looked at. Beyond it, everybody's subscriptions are looked at once.
const maxReviews = 1024

// reviewAgain is the pause before another look, after the rights could not be found out.
const reviewAgain = time.Second

// change says whose rights may have changed and where; an empty user is everybody, an empty channel everywhere.
type change struct{ app, channel, user string }

// reviews are the changes of rights that live subscriptions have still to be held against.
type reviews struct {
	mu      sync.Mutex
	waiting map[change]struct{}
	wake    chan struct{}
}

func (r *reviews) init() { r.wake = make(chan struct{}, 1) }

// note takes a change. It does not block.
func (r *reviews) note(app, channel, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= maxReviews {
		r.waiting, app, channel, user = nil, "", "", ""
	}
	if r.waiting == nil {
		r.waiting = map[change]struct{}{}
	}
	r.waiting[change{app, channel, user}] = struct{}{}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reviews) take() map[change]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.waiting
	r.waiting = nil
	return all
}

// review holds live subscriptions against rights that have changed, until ctx ends.
func (g *Gateway) review(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.reviews.wake:
		}
		for c := range g.reviews.take() {
			for _, sub := range g.concerned(c) {
				if ctx.Err() != nil {
					return
				}
				g.reconsider(ctx, sub)
			}
		}
	}
}

// concerned lists the subscriptions that a change may end.
func (g *Gateway) concerned(c change) (subs []*subscription) {
	switch {
	case c.channel == "":
		for _, s := range g.people.all() {
			subs = append(subs, s.subscriptions()...)
		}
	case c.user != "":
		for _, s := range g.people.of(person{c.app, c.user}) {
			if sub := s.find(c.channel); sub != nil {
				subs = append(subs, sub)
			}
		}
	default:
		for _, m := range g.options.Hub.Members(backbone.Feed{Kind: layout.Room, App: c.app, Name: c.channel}) {
			if sub, ok := m.(*subscription); ok {
				subs = append(subs, sub)
			}
		}
	}
	return subs
}

// reconsider ends a subscription that its user may not have any more. If that can't be found out, it is looked at again later.
func (g *Gateway) reconsider(ctx context.Context, sub *subscription) {
	s := sub.session
	ask, cancel := context.WithTimeout(ctx, g.limits.RequestTimeout)
	defer cancel()
	_, err := g.options.Chat.Access(ask, s.actor, sub.channel, chat.Subscribe)
	switch {
	case isForbidden(err):
		s.leave(sub.channel)
	case err != nil:
		g.start(func() {
			if pause(g.ctx, reviewAgain) {
				g.reviews.note(s.actor.App, sub.channel, s.actor.User)
			}
		})
	}
}

// subscriptions lists the session's places in rooms.
func (s *session) subscriptions() (all []*subscription) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for channel, sub := range s.places {
		if channel != newsChannel && channel != ownChannel {
			all = append(all, sub)
		}
	}
	return all
}

// find gives the subscription to a room, or nil.
func (s *session) find(channel string) *subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places[channel]
}

// revoked ends the sessions of a user that were made with tokens which are revoked.
func (g *Gateway) revoked(app, user string) {
	for _, s := range g.people.of(person{app, user}) {
		s.readmit()
	}
}

// readmit ends the session if its token is revoked.
func (s *session) readmit() {
	err := s.gateway.options.Chat.Admit(s.id.app, s.id.user, s.id.issued)
	if errors.Is(err, chat.ErrBanned) || errors.Is(err, chat.ErrRevoked) {
		s.disconnect("revoked", "the token is revoked")
	}
}

// refusalOf is the return code of CONNACK for a failed login.
func refusalOf(err error) byte {
	var failed *chat.Error
	switch {
	case errors.Is(err, auth.ErrUnavailable), errors.As(err, &failed) && failed.Kind == chat.Unavailable:
		return packet.RefusedUnavailable
	case errors.Is(err, chat.ErrBanned), errors.Is(err, chat.ErrRevoked):
		return packet.RefusedUnauthorized
	default:
		return packet.RefusedCredentials
	}
}
