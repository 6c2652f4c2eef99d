package people

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// maxReviews is how many changes of rights wait to be looked at. Beyond it, everything that anybody listens to is looked at once.
const maxReviews = 1024

// reviewing is how many subscriptions are looked at at a time: a look may have to read rows.
const reviewing = 32

// Change says whose rights may have changed and where; an empty User is everybody, an empty Channel everywhere.
type Change struct{ App, Channel, User string }

// ofOne says whether the change is of one user in one channel. There are few subscriptions to look at then, often of one who was expelled:
// such changes don't wait for the others.
func (c Change) ofOne() bool { return c.Channel != "" && c.User != "" }

// Reviews hold live subscriptions against rights that have changed: S is what a gateway calls a subscription.
type Reviews[S any] struct {
	concerned     func(Change) []S
	look          func(context.Context, S)
	ofOne, ofMany changes
}

// NewReviews gives ones that do nothing before Run. concerned lists the subscriptions that a change may end. look ends one that its user may
// not have any more; it is called for several at a time.
func NewReviews[S any](concerned func(Change) []S, look func(context.Context, S)) *Reviews[S] {
	r := &Reviews[S]{concerned: concerned, look: look}
	r.ofOne.wake, r.ofMany.wake = make(chan struct{}, 1), make(chan struct{}, 1)
	return r
}

// Note takes a change, as chat.Service.OnChange tells it. It does not block.
func (r *Reviews[S]) Note(app, channel, user string) {
	c := Change{app, channel, user}
	if c.ofOne() && r.ofOne.note(c) || !c.ofOne() && r.ofMany.note(c) {
		return
	}
	r.ofMany.replace(Change{})
}

// Run looks at what has changed until ctx ends.
func (r *Reviews[S]) Run(ctx context.Context) {
	var both sync.WaitGroup
	for _, changes := range []*changes{&r.ofOne, &r.ofMany} {
		both.Go(func() { r.run(ctx, changes) })
	}
	both.Wait()
}

func (r *Reviews[S]) run(ctx context.Context, of *changes) {
	var looks errgroup.Group
	looks.SetLimit(reviewing)
	defer func() { _ = looks.Wait() }() // no look gives an error
	for {
		select {
		case <-ctx.Done():
			return
		case <-of.wake:
		}
		for c := range of.take() {
			for _, s := range r.concerned(c) {
				if ctx.Err() != nil {
					return
				}
				looks.Go(func() error {
					r.look(ctx, s)
					return nil
				})
			}
		}
	}
}

// changes wait to be looked at.
type changes struct {
	mu      sync.Mutex
	waiting map[Change]struct{}
	wake    chan struct{}
}

// note takes a change; false if there are too many.
func (w *changes) note(c Change) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) >= maxReviews {
		return false
	}
	if w.waiting == nil {
		w.waiting = map[Change]struct{}{}
	}
	w.waiting[c] = struct{}{}
	w.rouse()
	return true
}

// replace takes a change that all others are part of.
func (w *changes) replace(c Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = map[Change]struct{}{c: {}}
	w.rouse()
}

func (w *changes) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *changes) take() map[Change]struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.waiting
	w.waiting = nil
	return all
}

// Waiting is how many changes nobody has begun to look at.
func (r *Reviews[S]) Waiting() int { return r.ofOne.count() + r.ofMany.count() }

func (w *changes) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}
