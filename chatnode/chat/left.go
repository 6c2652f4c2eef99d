package chat

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// departing is for how many users it is noted at a time that they were last seen, maxDepartures how many wait for it.
	departing, maxDepartures = 8, 100_000
	// departWait bounds one note; departEnd how long a service that is closed still writes those that wait.
	departWait, departEnd = 10 * time.Second, 2 * time.Second
	// departRetry is the pause after one that could not be written.
	departRetry = 500 * time.Millisecond
)

// Left says that the last connection of a user to this node has ended: the user was last seen now. That is written soon, and again until
// it is; of a user who comes and goes once in 10 seconds. It does not block.
//
// If 100,000 users wait for it, or some still do 2 seconds after the service is closed, it is not written and counted as lost. That harms
// nothing but what others are shown: the user was last seen the time before, until the next one.
func (s *Service) Left(app, user string) {
	now := s.options.Now()
	if user == "" || !s.seen.due(app+"\x00"+user, now) {
		return
	}
	if !s.departures.add(departure{app, user}, now, s.depart) {
		s.metrics.departuresLost.Inc()
	}
}

// depart notes that a user was last seen at a time. It says whether that is settled, for better or worse.
func (s *Service) depart(ctx context.Context, d departure, at time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, departWait)
	defer cancel()
	err := s.lastSeen(ctx, d, at)
	var failed *Error
	if errors.As(err, &failed) && (failed.Kind == Unavailable || failed.Kind == Conflict) {
		return false
	}
	if err != nil {
		s.metrics.departuresLost.Inc()
		s.options.Logger.Warn("could not note when a user was last seen", "app", d.app, "error", withCause(err))
	}
	return true
}

// lastSeen writes it. Errors: Unavailable, Conflict, Internal.
func (s *Service) lastSeen(ctx context.Context, d departure, at time.Time) error {
	if s.erasedLately(d.app, d.user) {
		return nil
	}
	key := personKey(d.app, d.user)
	_, err := changeRow(ctx, s.tables, layout.People, key, func(p *record[personRecord]) error {
		if p.value.LastSeen >= at.UnixMilli() {
			return errKeep
		}
		p.value.LastSeen = at.UnixMilli()
		return nil
	})
	s.people.forget(key)
	return err
}

// departure is of one user.
type departure struct{ app, user string }

// departures are users of whom it has yet to be noted when they were last seen.
type departures struct {
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	most int // how many may wait

	mu      sync.Mutex
	times   map[departure]time.Time // of all who wait, or are being written
	queue   []departure             // of those who wait, in order
	working int
	ended   bool
}

func (d *departures) init() {
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.most, d.times = maxDepartures, map[departure]time.Time{}
}

// size is how many there are.
func (d *departures) size() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.times)
}

// add has it noted that a user left; false if too many wait. Who waits already does so once, with the later time.
func (d *departures) add(one departure, at time.Time, note func(ctx context.Context, one departure, at time.Time) bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, waits := d.times[one]
	switch {
	case d.ended, !waits && len(d.times) >= d.most:
		return false
	case !waits:
		d.queue = append(d.queue, one)
	}
	d.times[one] = at
	if d.working < departing {
		d.working++
		d.work.Go(func() { d.run(note) })
	}
	return true
}

// run notes departures until none waits. One that fails waits again, behind the others.
func (d *departures) run(note func(ctx context.Context, one departure, at time.Time) bool) {
	for {
		one, at, ok := d.next()
		if !ok {
			return
		}
		settled := note(d.ctx, one, at)
		if !settled {
			pause(d.ctx, departRetry)
		}
		d.mu.Lock()
		if settled && d.times[one].Equal(at) {
			delete(d.times, one)
		} else {
			d.queue = append(d.queue, one)
		}
		d.mu.Unlock()
	}
}

// next takes the first of the queue; false if there is none, or no time left.
func (d *departures) next() (one departure, at time.Time, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 || d.ctx.Err() != nil {
		d.working--
		return one, at, false
	}
	one, d.queue = d.queue[0], d.queue[1:]
	return one, d.times[one], true
}

// close waits some time until all is noted, and gives the number of those that are not.
func (d *departures) close() (lost int) {
	d.mu.Lock()
	d.ended = true
	d.mu.Unlock()
	late := time.AfterFunc(departEnd, d.cancel)
	d.work.Wait()
	late.Stop()
	d.cancel()
	return d.size()
}
