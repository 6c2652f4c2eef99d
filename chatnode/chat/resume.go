package chat

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Every node looks for erasures that nobody is at work on any more, since their node died or their caller went away, and finishes them, one
// at a time. Who is at work on one writes its row every second or two; who takes it over writes it first, by which the other, if there still
// is one, notices and stops.

// eraseLook is how often a node looks, and eraseLooks for how many looks in a row an erasure must not have moved to be abandoned.
const (
	eraseLook  = 10 * time.Second
	eraseLooks = 2
)

// sighting is how an erasure's row was found, and at how many looks after the first.
type sighting struct {
	revision uint64
	looks    int
}

// resumeErasures looks until the context ends.
func (s *Service) resumeErasures(ctx context.Context) {
	tick := time.NewTicker(eraseLook)
	defer tick.Stop()
	seen := map[string]sighting{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			var err error
			if seen, err = s.lookForErasures(ctx, seen); err != nil && ctx.Err() == nil {
				s.options.Logger.Warn("an erasure that was abandoned could not be finished and is tried again", "error", withCause(err))
			}
		}
	}
}

// lookForErasures does one look, and gives what it saw, for the next.
func (s *Service) lookForErasures(ctx context.Context, seen map[string]sighting) (map[string]sighting, error) {
	saw := map[string]sighting{}
	var errs []error
	for after := uint64(0); ; {
		rows, more, err := s.tables.List(ctx, layout.Cursors, layout.RowKey(erasePrefix), after, rowsAtOnce)
		if err != nil {
			return seen, err
		}
		for _, row := range rows {
			after = row.Revision
			now := sighting{revision: row.Revision}
			if before, was := seen[row.Key]; was && before.revision == row.Revision {
				now.looks = before.looks + 1
			}
			if saw[row.Key] = now; now.looks >= eraseLooks {
				errs = append(errs, s.resumeErasure(ctx, row))
			}
		}
		if !more || len(rows) == 0 {
			return saw, errors.Join(errs...)
		}
	}
}

// resumeErasure finishes one erasure that is abandoned, or forgets one that has long been done.
func (s *Service) resumeErasure(ctx context.Context, row backbone.Row) error {
	parts, ok := layout.ParseRowKey(row.Key)
	e := erasure{s: s, key: row.Key, r: record[erasureRecord]{revision: row.Revision}}
	if !ok || len(parts) != 3 || json.Unmarshal(row.Data, &e.r.value) != nil {
		return nil
	}
	e.app, e.user = parts[1], parts[2]
	old := e.r.value.Began <= millis(s.options.Now().Add(-eraseFresh))
	switch {
	case e.r.value.Done && !old:
		return nil
	case e.r.value.Done:
		if err := s.tables.Remove(ctx, layout.Cursors, row.Key, row.Revision); !errors.Is(err, backbone.ErrConflict) {
			return err
		}
		return nil
	case old:
		e.r.value.Began = millis(s.options.Now())
	}
	err := e.save(ctx)
	if err == nil {
		err = e.run(ctx)
	}
	var told *Error
	if errors.As(err, &told) && told.Kind == Conflict {
		return nil // somebody else has taken it
	}
	return err
}

// OnErase calls tell when everything of a user has been erased from the log, by whichever node, and perhaps more often: what a node still
// remembers is to be forgotten. It must not block for long. To be called before anybody uses the service.
func (s *Service) OnErase(tell func(app, user string)) {
	s.revoked.onChange(func(app, user string) {
		if r, _ := s.revoked.get(personKey(app, user)); r.Erased > 0 {
			tell(app, user)
		}
	})
}

// OnErasing calls remove, which must remove it, for what is kept of a user elsewhere than in the tables of chat. An erasure is done when all
// of these have been called and gave no error; until then they may be called again. To be called before anybody uses the service.
func (s *Service) OnErasing(remove func(ctx context.Context, app, user string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onErasing = append(s.onErasing, remove)
}

// others are those who keep something of users elsewhere.
func (s *Service) others() []func(ctx context.Context, app, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.onErasing
}
