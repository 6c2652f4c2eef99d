package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// The sweeper finishes what those who died have left undone. One node of the fleet does a round at a time: whoever takes the sweep's row. It
// follows the changes of members and rooms by their revisions, each some time after it was made, and walks through all lists of rooms
// slowly, round by round. A row that it can't mend holds up no other: it is counted, told of in the log, and tried again in the next round.

const (
	// sweepEvery is the time between two rounds; settled is how old a change must be before nobody works on it any more.
	sweepEvery = time.Minute
	settled    = time.Minute
	// sweepPage and sweepPages bound what one round looks at, in each table; walkPage the rows of lists.
	sweepPage, sweepPages = 1000, 20
	walkPage              = 1000
	// anyApp is a prefix for all rows of a table: in the place of an application's name, the log's own sign for any.
	anyApp = "*"
)

// sweepRecord is the sweep's row in layout.Cursors.
type sweepRecord struct {
	// Until is when the next round may begin, in milliseconds.
	Until int64 `json:"until"`
	// Members, Rooms, Lists, Mutes and Expired are up to which revision the tables have been looked at; but for MembersLeft and RoomsLeft,
	// the keys of rows that could not be mended.
	Members uint64 `json:"members"`
	Rooms   uint64 `json:"rooms"`
	Lists   uint64 `json:"lists"`
	Mutes   uint64 `json:"mutes"`
	Expired uint64 `json:"expired"`

	MembersLeft []string `json:"members_left,omitempty"`
	RoomsLeft   []string `json:"rooms_left,omitempty"`
}

var sweepKey = layout.RowKey("chat", "sweep")

// sweep does rounds until the context ends. A round that fails is the next one's; the log tells of it.
func (s *Service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// Somebody who has just taken the row is no fault.
			if err := s.sweepOnce(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, backbone.ErrConflict) {
				s.options.Logger.Warn("the sweeper could not finish a round and goes on in the next", "error", withCause(err))
			}
		}
	}
}

// sweepOnce does a round, unless somebody else does.
func (s *Service) sweepOnce(ctx context.Context) error {
	now := s.options.Now()
	r, err := loadRow[sweepRecord](ctx, s.tables, layout.Cursors, sweepKey)
	if err != nil || r.value.Until > millis(now) {
		return err
	}
	// Whoever takes the row has two rounds' time.
	r.value.Until = millis(now.Add(2 * sweepEvery))
	if r.revision, err = s.putSweep(ctx, r); err != nil {
		return err
	}
	round := newSweepRound(s)
	err = round.run(ctx, &r.value)
	r.value.Until = millis(now.Add(sweepEvery))
	if _, e := s.putSweep(ctx, r); err == nil {
		err = e
	}
	round.end(err)
	return err
}

// withCause says more than users are told.
func withCause(err error) error {
	var told *Error
	if errors.As(err, &told) && told.cause != nil {
		return fmt.Errorf("%w: %w", err, told.cause)
	}
	return err
}

func (s *Service) putSweep(ctx context.Context, r record[sweepRecord]) (uint64, error) {
	data, err := json.Marshal(r.value)
	if err != nil {
		return 0, err
	}
	return s.tables.Put(ctx, layout.Cursors, sweepKey, data, r.revision)
}
