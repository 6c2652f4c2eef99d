package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

const (
	// mendWait is how long one row may take in one round: what takes longer, such as the deletion of a large room, goes on in the next.
	mendWait = 30 * time.Second
	// maxUnmended is how many rows of a table may fail before the round gives the table up, and begins with it in the next one where it was:
	// then it is not the rows.
	maxUnmended = 100
)

// sweepRound is one round of the sweeper.
type sweepRound struct {
	s *Service

	mu     sync.Mutex
	failed map[string]sweepFailure // by part
}

// sweepFailure is how many rows failed, and what was wrong with one of them.
type sweepFailure struct {
	rows int
	key  string
	err  error
}

// Parts of a round, in metrics and in the log.
const (
	ofMembers       = "members"
	ofRooms         = "rooms"
	ofLists         = "lists"
	ofMutes         = "mutes"
	ofRevoked       = "revoked"
	ofAnnouncements = "announcements"
	ofRetention     = "retention"
)

var sweepParts = []string{ofMembers, ofRooms, ofLists, ofMutes, ofRevoked, ofAnnouncements, ofRetention}

func newSweepRound(s *Service) *sweepRound {
	return &sweepRound{s: s, failed: map[string]sweepFailure{}}
}

// run does the whole round. An error is of a part that could not be done to its end; the other parts are.
func (r *sweepRound) run(ctx context.Context, at *sweepRecord) error {
	ctx, cancel := context.WithTimeout(ctx, 2*sweepEvery)
	defer cancel()
	return errors.Join(
		r.members(ctx, &at.Members, &at.MembersLeft), r.rooms(ctx, &at.Rooms, &at.RoomsLeft),
		r.lists(ctx, &at.Lists), r.mutes(ctx, &at.Mutes),
		r.dropRevoked(ctx), r.dropAnnounced(ctx), r.expire(ctx, &at.Expired),
	)
}

// end tells of the round.
func (r *sweepRound) end(err error) {
	m := r.s.metrics
	for _, part := range sweepParts {
		f := r.failed[part]
		if m.sweepRowsFailed.WithLabelValues(part).Set(float64(f.rows)); f.rows > 0 {
			r.s.options.Logger.Warn("the sweeper could not mend some rows, and tries them again in the next round",
				"part", part, "rows", f.rows, "one", f.key, "error", withCause(f.err))
		}
	}
	if err != nil {
		m.sweeps.WithLabelValues("broken").Inc()
		return
	}
	m.sweeps.WithLabelValues("finished").Inc()
	m.sweepFinished.SetToCurrentTime()
}

// mending looks at a row, and says whether there was anything to do.
type mending func(ctx context.Context, row backbone.Row) (mended bool, err error)

// mend looks at rows, some at once, and gives the keys of those that failed. An error is the end of this part of the round: its time is
// over, or too many rows fail.
func (r *sweepRound) mend(ctx context.Context, part string, rows []backbone.Row, atOnce int, look mending) (failed []string, err error) {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(atOnce)
	var mu sync.Mutex
	for _, row := range rows {
		work.Go(func() error {
			err := r.mendOne(ctx, part, row, look)
			switch {
			case ctx.Err() != nil:
				return fmt.Errorf("sweep %s: %w", part, ctx.Err())
			case err == nil:
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if failed = append(failed, row.Key); len(failed) > maxUnmended {
				return fmt.Errorf("sweep %s: more than %d rows can't be mended: %w", part, maxUnmended, err)
			}
			return nil
		})
	}
	return failed, work.Wait()
}

func (r *sweepRound) mendOne(ctx context.Context, part string, row backbone.Row, look mending) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	one, cancel := context.WithTimeout(ctx, mendWait)
	defer cancel()
	mended, err := look(one, row)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	counted := r.s.metrics.sweptRows
	counted.WithLabelValues(part, rowSeen).Inc()
	if mended && err == nil {
		counted.WithLabelValues(part, rowMended).Inc()
	}
	if err != nil {
		counted.WithLabelValues(part, rowFailed).Inc()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failed[part] = sweepFailure{r.failed[part].rows + 1, row.Key, err}
	}
	return err
}

// follow looks at the rows that changed since a revision, up to the first that is not ripe; before it at those that are left from earlier
// rounds. What is left then are those that failed.
func (r *sweepRound) follow(ctx context.Context, part, table string, from *uint64, left *[]string, look mending) error {
	if err := r.again(ctx, part, table, *from, left, look); err != nil {
		return err
	}
	for range sweepPages {
		rows, more, err := r.s.tables.List(ctx, table, anyApp, *from, sweepPage)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", part, err)
		}
		if unripe := slices.IndexFunc(rows, func(row backbone.Row) bool { return !r.ripe(row) }); unripe >= 0 {
			rows, more = rows[:unripe], false
		}
		failed, err := r.mend(ctx, part, rows, together, look)
		if err == nil && len(*left)+len(failed) > maxUnmended {
			err = fmt.Errorf("sweep %s: more than %d rows can't be mended", part, maxUnmended)
		}
		if err != nil {
			return err
		}
		*left = append(*left, failed...)
		if len(rows) > 0 {
			*from = rows[len(rows)-1].Revision
		}
		if !more {
			return nil
		}
	}
	return nil
}

// again looks at rows that are left. Those that have changed since are found by their revision.
func (r *sweepRound) again(ctx context.Context, part, table string, from uint64, left *[]string, look mending) error {
	var rows []backbone.Row
	for _, key := range *left {
		row, err := r.s.tables.Get(ctx, table, key)
		if err != nil {
			return fmt.Errorf("sweep %s: %w", part, err)
		}
		if row.Revision != 0 && row.Revision <= from {
			rows = append(rows, row)
		}
	}
	failed, err := r.mend(ctx, part, rows, together, look)
	if err == nil {
		*left = failed
	}
	return err
}

// walk looks at a page of all rows under a prefix, the next page in the next round, and begins anew at the end.
func (r *sweepRound) walk(ctx context.Context, part, table, prefix string, from *uint64, look mending) error {
	rows, more, err := r.s.tables.List(ctx, table, prefix, *from, walkPage)
	if err != nil {
		return fmt.Errorf("sweep %s: %w", part, err)
	}
	if _, err := r.mend(ctx, part, rows, 1, look); err != nil {
		return err
	}
	if *from = 0; more && len(rows) > 0 {
		*from = rows[len(rows)-1].Revision
	}
	return nil
}

// ripe says whether a row's change is so old that nobody works on it any more.
func (r *sweepRound) ripe(row backbone.Row) bool {
	var changed struct {
		Changed int64 `json:"changed"`
	}
	return json.Unmarshal(row.Data, &changed) != nil || changed.Changed <= millis(r.s.options.Now().Add(-settled))
}
