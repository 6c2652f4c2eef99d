package centrifuge

import (
	"context"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
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
			if sub, ours := m.(*subscription); ours {
				subs = append(subs, sub)
			}
		}
	}
	return subs
}

// reconsider ends a subscription that its user may not have any more. As long as that can't be found out, it stays, and is looked at again.
// One of which the client was not told yet is not looked at: answered does that.
func (g *Gateway) reconsider(ctx context.Context, sub *subscription) {
	s := sub.session
	for s.told(sub) {
		err := s.mayKeep(ctx, sub)
		if forbidden(err) && s.leave(sub) {
			s.push(protocol.UnsubscribePermission.Reply(sub.channel))
		}
		if answer, _ := errorOf(err); err == nil || !answer.Temporary || !pause(ctx, reviewAgain) {
			return
		}
		g.metrics.unreviewed.Inc()
	}
}

// told says whether the client has a subscription, and was told so.
func (s *session) told(sub *subscription) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subs[sub.channel] == sub && sub.answered
}

// answered is called when the client was told of new subscriptions. Rights that have changed since they were asked for, while nobody could
// find the subscriptions, are looked at now.
func (s *session) answered(ctx context.Context, subs ...*subscription) {
	s.mu.Lock()
	for _, sub := range subs {
		sub.answered = true
	}
	s.mu.Unlock()
	var err error
	for _, sub := range subs {
		if err == nil || forbidden(err) {
			err = s.mayKeep(ctx, sub)
		}
		if err != nil {
			s.gateway.reviews.Note(s.actor.App, sub.channel, s.actor.User)
		}
	}
}

// mayKeep asks whether the user may have a subscription.
func (s *session) mayKeep(ctx context.Context, sub *subscription) error {
	ctx, cancel := context.WithTimeout(ctx, s.gateway.limits.RequestTimeout)
	defer cancel()
	_, err := s.gateway.options.Chat.Access(ctx, s.actor, sub.channel, chat.Subscribe)
	return err
}

// forbidden says whether an error of mayKeep means no.
func forbidden(err error) bool {
	var failed *chat.Error
	return errors.As(err, &failed) && (failed.Kind == chat.Denied || failed.Kind == chat.NotFound)
}

// pause returns true after that time, and false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// subscriptions lists the session's.
func (s *session) subscriptions() []*subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*subscription, 0, len(s.subs))
	for _, sub := range s.subs {
		all = append(all, sub)
	}
	return all
}
