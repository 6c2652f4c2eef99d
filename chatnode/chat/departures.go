package chat

import (
	"context"
	"sync"
	"time"
)

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
