package mqtt

import (
	"context"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// reviewAgain is the pause before another look, after the rights could not be found out.
const reviewAgain = time.Second

// concerned lists the subscriptions that a change may end.
func (g *Gateway) concerned(c people.Change) (subs []*subscription) {
	switch {
	case c.Channel == "":
		for _, s := range g.people.All() {
			subs = append(subs, s.subscriptions()...)
		}
	case c.User != "":
		for _, s := range g.people.Of(people.Person{App: c.App, User: c.User}) {
			if sub := s.find(c.Channel); sub != nil {
				subs = append(subs, sub)
			}
		}
	default:
		for _, m := range g.options.Hub.Members(backbone.Feed{Kind: layout.Room, App: c.App, Name: c.Channel}) {
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
	case chat21.IsForbidden(err):
		s.leave(sub.channel)
	case err != nil:
		g.start(func() {
			select {
			case <-g.ctx.Done():
			case <-time.After(reviewAgain):
				g.reviews.Note(s.actor.App, sub.channel, s.actor.User)
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
	for _, s := range g.people.Of(people.Person{App: app, User: user}) {
		s.readmit()
	}
}

// readmit ends the session if its token is revoked.
func (s *session) readmit() {
	err := s.gateway.options.Chat.Admit(s.id.App, s.id.User, s.id.Issued)
	if errors.Is(err, chat.ErrBanned) || errors.Is(err, chat.ErrRevoked) {
		s.disconnect("revoked", "the token is revoked")
	}
}
