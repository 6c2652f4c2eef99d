package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// chunksAtOnce is how many requests for a thousand rows each are under way for one caller.
const chunksAtOnce = 4

// All gives all rows whose key begins with prefix and a dot, in the order of their revisions: what List gives page by page, for those who
// need the whole anyway.
//
// Nothing that was acknowledged before the call is missing, and nothing comes that was removed by then. Beyond 1,024 rows the leader names
// the keys, and the rows are read from any replica, a thousand keys at a time; one that is behind what the leader had is asked again. So
// a row costs some 10 µs however many there are, where List has to ask for one after the other.
//
// Errors: ErrUnavailable, the context's.
func (b *Backbone) All(ctx context.Context, table, prefix string) (rows []Row, err error) {
	defer b.metrics.tables.measure(table, "all", &err)()
	within, cancel, err := tableContext(ctx, table)
	if err != nil {
		return nil, err
	}
	defer cancel()
	for {
		l := listing{b: b, table: table, filter: b.rowSubject(table, prefix) + ".>", want: maxMultiLast + 1, next: 1}
		switch err = l.all(within); {
		case err == nil:
			return byRevision(l.rows), nil
		case errors.Is(err, errTooMany):
			return b.pages(ctx, table, prefix)
		}
		if !sleep(within, listPause(err)) {
			return nil, fmt.Errorf("read all rows of %s: %w: %w", table, ErrUnavailable, err)
		}
	}
}

// pages reads all rows page by page. One that changes meanwhile comes as it is at last.
func (b *Backbone) pages(ctx context.Context, table, prefix string) ([]Row, error) {
	all := map[string]Row{}
	for after := uint64(0); ; {
		rows, more, err := b.List(ctx, table, prefix, after, maxRows)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			all[row.Key], after = row, row.Revision
		}
		if !more {
			return byRevision(all), nil
		}
	}
}

// all reads all rows. It fails with errTooMany if there are more than the leader names at once.
func (l *listing) all(ctx context.Context) error {
	if !l.b.long.has(l.filter, time.Now()) {
		err := l.short(ctx)
		if !isLong(err) {
			return err
		}
		l.b.long.add(l.filter, time.Now())
	}
	keys, last, err := l.keys(ctx)
	if err != nil {
		return err
	}
	chunks := slices.Collect(slices.Chunk(keys, maxRows))
	found := make([][]rowState, len(chunks))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(chunksAtOnce)
	for i, some := range chunks {
		work.Go(func() (err error) {
			found[i], err = l.newest(ctx, some, last)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return err
	}
	for _, rows := range found {
		for _, s := range rows {
			l.add(s)
		}
	}
	return nil
}

// keys asks the leader for the subjects of all rows, of removed ones too that have left markers, and for the last sequence of the table.
func (l *listing) keys(ctx context.Context) (subjects []string, last uint64, err error) {
	request, err := json.Marshal(map[string]any{"subjects_filter": l.filter})
	if err != nil {
		return nil, 0, err
	}
	var info struct {
		Total int `json:"total"`
		State struct {
			Last     uint64            `json:"last_seq"`
			Subjects map[string]uint64 `json:"subjects"`
		} `json:"state"`
	}
	ctx, cancel := context.WithTimeout(ctx, aheadWait)
	defer cancel()
	if err := apiAsk(ctx, l.b.rows, "$JS.API.STREAM.INFO."+l.b.tableStream(l.table), request, &info); err != nil {
		return nil, 0, err
	}
	if info.Total > len(info.State.Subjects) {
		return nil, 0, fmt.Errorf("%w: %d", errTooMany, info.Total)
	}
	return slices.Sorted(maps.Keys(info.State.Subjects)), info.State.Last, nil
}

// newest reads the rows of some subjects, and markers, from a replica that has read the table up to that sequence.
func (l *listing) newest(ctx context.Context, subjects []string, last uint64) (rows []rowState, err error) {
	for from := uint64(1); ; from = rows[len(rows)-1].Revision + 1 {
		page, err := l.b.directPage(ctx, l.table, map[string]any{
			"multi_last": subjects, "seq": from, "batch": maxRows, "max_bytes": maxPageBytes,
		})
		switch {
		case err != nil:
			return nil, err
		case page.empty || page.upTo < last || len(page.rows) == 0:
			return nil, errBehind
		}
		if rows = append(rows, page.rows...); page.pending == 0 {
			return rows, nil
		}
	}
}
