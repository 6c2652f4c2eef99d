package centrifuge

import (
	"context"
	"errors"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// maxReviews is how many changes of rights wait to be looked at. Beyond it, everybody's subscriptions are looked at once.
const maxReviews = 1024

// reviews are the changes of rights that live subscriptions have still to be held against.
type reviews struct {
	mu      sync.Mutex
	waiting map[change]struct{}
	wake    chan struct{}
}

// change says whose rights may have changed and where; an empty user is everybody, an empty channel everywhere.
type change struct{ app, channel, user string }

// note takes a change. It does not block.
func (r *reviews) note(app, channel, user string) {
	r.mu.Lock()
	if len(r.waiting) >= maxReviews {
		r.waiting = nil
		app, channel, user = "", "", ""
	}
	if r.waiting == nil {
		r.waiting = map[change]struct{}{}
	}
	r.waiting[change{app, channel, user}] = struct{}{}
	r.mu.Unlock()
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
				sub.session.reconsider(ctx, sub)
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
			if sub, ours := m.(*subscription); ours {
				subs = append(subs, sub)
			}
		}
	}
	return subs
}

// reconsider ends a subscription that its user may not have any more. If that can't be found out, the subscription stays until the next
// change: the rights were there a moment ago, and every other command asks again.
func (s *session) reconsider(ctx context.Context, sub *subscription) {
	ctx, cancel := context.WithTimeout(ctx, s.gateway.limits.RequestTimeout)
	defer cancel()
	_, err := s.gateway.options.Chat.Access(ctx, s.actor, sub.channel, chat.Subscribe)
	var failed *chat.Error
	if !errors.As(err, &failed) || failed.Kind != chat.Denied && failed.Kind != chat.NotFound {
		return
	}
	if s.leave(sub) {
		s.push(protocol.UnsubscribePermission.Reply(sub.channel))
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
