package chat

import (
	"context"
	"errors"
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
