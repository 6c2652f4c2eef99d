package comet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// maxReviews is how many changes of rights wait to be looked at. Beyond it, all of them are looked at as one that is everywhere.
const maxReviews = 1024

// reviewAgain is the pause before another look, after the rights could not be found out.
const reviewAgain = time.Second

// place is a room of an application; both names are empty for all rooms.
type place struct{ app, channel string }

// reviews are the rooms in which rights have changed, so that those who listen there may have to stop.
type reviews struct {
	mu      sync.Mutex
	waiting map[place]struct{}
	wake    chan struct{}
}

func (r *reviews) init() {
	r.waiting, r.wake = map[place]struct{}{}, make(chan struct{}, 1)
}

// note takes a change of rights. It does not block.
func (r *reviews) note(app, channel, _ string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if channel == "" || len(r.waiting) >= maxReviews {
		r.waiting = map[place]struct{}{{}: {}}
	} else if _, all := r.waiting[place{}]; !all {
		r.waiting[place{app, channel}] = struct{}{}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reviews) take() map[place]struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.waiting
	r.waiting = map[place]struct{}{}
	return all
}

// review holds those who listen against rights that have changed, until ctx ends.
func (g *Gateway) review(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.reviews.wake:
		}
		for changed := range g.reviews.take() {
			for _, m := range g.concerned(changed) {
				m.reconsider(ctx)
			}
		}
	}
}

// concerned lists the members that a change may end.
func (g *Gateway) concerned(changed place) (members []*member) {
	if changed == (place{}) {
		for _, s := range g.people.all() {
			s.mu.Lock()
			for _, m := range s.pipes {
				members = append(members, m)
			}
			s.mu.Unlock()
		}
		return members
	}
	for _, m := range g.options.Hub.Members(backbone.Feed{Kind: layout.Room, App: changed.app, Name: changed.channel}) {
		if m, ours := m.(*member); ours {
			members = append(members, m)
		}
	}
	return members
}

// reconsider ends a subscription that its user may not have any more. As long as that can't be found out, it stays and is looked at again.
func (m *member) reconsider(ctx context.Context) {
	s := m.session
	within, cancel := context.WithTimeout(ctx, s.gateway.options.RequestTimeout)
	defer cancel()
	_, err := s.gateway.options.Chat.Access(within, s.actor, roomPrefix+m.pipe, chat.Subscribe)
	var failed *chat.Error
	switch {
	case err == nil:
	case errors.As(err, &failed) && (failed.Kind == chat.Denied || failed.Kind == chat.NotFound):
		s.unsubscribe(m)
	case pause(ctx, reviewAgain):
		s.gateway.reviews.note(s.app, roomPrefix+m.pipe, "")
	}
}
