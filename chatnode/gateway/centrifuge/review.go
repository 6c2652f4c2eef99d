package centrifuge

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// maxReviews is how many changes of rights wait to be looked at. Beyond it, everybody's subscriptions are looked at once.
const maxReviews = 1024

const (
	// reviewing is how many subscriptions are looked at at a time: a look may have to read rows.
	reviewing = 32
	// reviewAgain is the pause before another look, after the rights could not be found out.
	reviewAgain = time.Second
)

// reviews are the changes of rights that live subscriptions have still to be held against.
type reviews struct {
	mu      sync.Mutex
	waiting map[change]struct{}
	wake    chan struct{}
}

func (r *reviews) init() { r.wake = make(chan struct{}, 1) }

// change says whose rights may have changed and where; an empty user is everybody, an empty channel everywhere.
type change struct{ app, channel, user string }

// ofOne says whether the change is of one user in one channel. There are few subscriptions to look at then, often of one who was expelled:
// such changes don't wait for the others.
func (c change) ofOne() bool { return c.channel != "" && c.user != "" }

// changed takes a change. It does not block.
func (g *Gateway) changed(app, channel, user string) {
	c := change{app, channel, user}
	if c.ofOne() && g.ofOne.note(c) {
		return
	}
	if !c.ofOne() && g.ofMany.note(c) {
		return
	}
	g.ofMany.replace(change{})
}

// note takes a change; false if there are too many.
func (r *reviews) note(c change) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) >= maxReviews {
		return false
	}
	if r.waiting == nil {
		r.waiting = map[change]struct{}{}
	}
	r.waiting[c] = struct{}{}
	r.rouse()
	return true
}

// replace takes a change that all others are part of.
func (r *reviews) replace(c change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = map[change]struct{}{c: {}}
	r.rouse()
}

func (r *reviews) rouse() {
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
func (g *Gateway) review(ctx context.Context, r *reviews) {
	var looks errgroup.Group
	looks.SetLimit(reviewing)
	defer func() { _ = looks.Wait() }() // no look gives an error
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		for c := range r.take() {
			for _, sub := range g.concerned(c) {
				if ctx.Err() != nil {
					return
				}
				looks.Go(func() error {
					sub.session.reconsider(ctx, sub)
					return nil
				})
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

// reconsider ends a subscription that its user may not have any more. As long as that can't be found out, it stays, and is looked at again.
// One of which the client was not told yet is not looked at: answered does that.
func (s *session) reconsider(ctx context.Context, sub *subscription) {
	for s.told(sub) {
		err := s.mayKeep(ctx, sub)
		if forbidden(err) && s.leave(sub) {
			s.push(protocol.UnsubscribePermission.Reply(sub.channel))
		}
		if answer, _ := errorOf(err); err == nil || !answer.Temporary || !pause(ctx, reviewAgain) {
			return
		}
		s.gateway.metrics.unreviewed.Inc()
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
			s.gateway.changed(s.actor.App, sub.channel, s.actor.User)
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
