package comet

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// reviewAgain is the pause before another look, after the rights could not be found out.
const reviewAgain = time.Second

// concerned lists the members that a change of rights may end.
func (g *Gateway) concerned(c people.Change) (members []*member) {
	switch {
	case c.Channel == "":
		for _, s := range g.people.All() {
			members = append(members, s.members()...)
		}
	case c.User != "" && c.User != anonymous:
		pipe := strings.TrimPrefix(c.Channel, roomPrefix)
		for _, s := range g.people.Of(people.Person{App: c.App, User: c.User}) {
			if m := s.member(pipe); m != nil {
				members = append(members, m)
			}
		}
	default:
		for _, m := range g.options.Hub.Members(backbone.Feed{Kind: layout.Room, App: c.App, Name: c.Channel}) {
			if m, ours := m.(*member); ours {
				members = append(members, m)
			}
		}
	}
	return members
}

// reconsider ends a subscription that its user may not have any more. As long as that can't be found out, it stays and is looked at again.
func (g *Gateway) reconsider(ctx context.Context, m *member) {
	s := m.session
	within, cancel := context.WithTimeout(ctx, g.options.RequestTimeout)
	defer cancel()
	_, err := g.options.Chat.Access(within, s.actor, roomPrefix+m.pipe, chat.Subscribe)
	var failed *chat.Error
	switch {
	case err == nil:
	case errors.As(err, &failed) && (failed.Kind == chat.Denied || failed.Kind == chat.NotFound):
		s.unsubscribe(m)
	default:
		g.start(func() {
			if pause(g.ctx, reviewAgain) {
				g.reviews.Note(s.app, roomPrefix+m.pipe, s.actor.User)
			}
		})
	}
}
