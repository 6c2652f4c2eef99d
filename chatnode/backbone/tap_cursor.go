package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// clockStep is by how much clocks of servers may differ, for a tap that has to find its place by time.
const clockStep = 1 * time.Second

func (g *tapping) key() string { return layout.RowKey(g.name, g.o.shard.String()) }

// begin finds where the tap has got to. One that the fleet has never seen has its beginning written down before it reads: another
// owner must not choose a later one.
func (g *tapping) begin(ctx context.Context) error {
	b := g.o.b
	state, err := streamInfo(ctx, b.main, b.layout.Stream(g.o.shard))
	if err != nil {
		return fmt.Errorf("look at the stream: %w", err)
	}
	if g.Begin != nil {
		g.read, err = g.Begin(ctx, g.o.shard, g.o.lease.Epoch, state.Last)
		return err
	}
	row, err := b.Get(ctx, layout.Cursors, g.key())
	if err != nil {
		return fmt.Errorf("read the cursor of a tap: %w", err)
	}
	if g.revision = row.Revision; g.revision == 0 {
		if !g.FromStart {
			g.read, g.time = state.Last, time.Now().UnixMilli()
		}
		return g.save(ctx)
	}
	if g.saved, err = parseTapCursor(row.Data); err != nil {
		return err
	}
	g.read, g.time = g.saved.Offset, g.saved.Time
	switch lease := g.o.lease; {
	case g.saved.Epoch == lease.Epoch && g.saved.Offset <= state.Last:
		return nil
	case g.saved.Term > lease.Term && !g.sure:
		return errTapDeposed
	}
	g.read, err = g.before(ctx, state.Last)
	return err
}

// before is the offset up to which nothing was stored after the cursor was written. In a new incarnation of the log the last messages
// may be lost, and their numbers others': but those are younger.
func (g *tapping) before(ctx context.Context, last uint64) (uint64, error) {
	if g.time == 0 {
		return 0, nil
	}
	since := time.UnixMilli(g.time).Add(-clockStep).UTC().Format(time.RFC3339Nano)
	request, err := json.Marshal(map[string]any{"start_time": since, "next_by_subj": ">"})
	if err != nil {
		return 0, err
	}
	var found struct {
		Message struct {
			Sequence uint64 `json:"seq"`
		} `json:"message"`
	}
	b := g.o.b
	err = apiRequest(ctx, b.main, "$JS.API.STREAM.MSG.GET."+b.layout.Stream(g.o.shard), request, &found)
	var refused *apiError
	switch {
	case errors.As(err, &refused) && refused.ErrCode == noMessage:
		return last, nil
	case err != nil:
		return 0, fmt.Errorf("find the place of a tap by time: %w", err)
	}
	return found.Message.Sequence - 1, nil
}

// save writes the cursor if it has moved. Another owner may write it too, before it knows that it is replaced or after it has replaced
// this one; in one incarnation of the log both say what is true, and the further one stays.
func (g *tapping) save(ctx context.Context) error {
	next := g.reached()
	if g.Begin != nil || next == g.saved {
		return nil
	}
	data, err := json.Marshal(next)
	if err != nil {
		return err
	}
	for range 2 {
		revision, err := g.o.b.Put(ctx, layout.Cursors, g.key(), data, g.revision)
		if err == nil {
			g.saved, g.revision = next, revision
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("write the cursor of a tap: %w", err)
		}
		row, err := g.o.b.Get(ctx, layout.Cursors, g.key())
		if err != nil {
			return fmt.Errorf("read the cursor of a tap: %w", err)
		}
		g.revision = row.Revision
		if row.Revision == 0 {
			continue
		}
		other, err := parseTapCursor(row.Data)
		switch {
		case err != nil:
			return err
		case other.Epoch == next.Epoch && other.Offset >= next.Offset:
			g.saved = next
			return nil
		case other.Epoch != next.Epoch && other.Term > next.Term && !g.sure:
			return errTapDeposed
		}
	}
	return fmt.Errorf("write the cursor of a tap: %w", ErrConflict)
}
