package backbone

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// maxRows is the most rows of one page.
	maxRows = 1000
	// maxMultiLast is how many subjects NATS gives the last messages of at once.
	maxMultiLast = 1024
	// aheadWait bounds one search of the leader for a row, which reads the table from there on if its blocks are not in memory.
	aheadWait = 4 * time.Second
	// maxPageBytes is about how many bytes of rows come at a time.
	maxPageBytes = 4 << 20
	// replicaRetryWait is the pause before another replica is asked instead of one that is behind.
	replicaRetryWait = 10 * time.Millisecond
	// markerSlack is how much longer than layout.RowMarkerAge a marker may be there.
	markerSlack = 15 * time.Second
	// maxExactCount is up to how many rows removed ones are told from others: the server counts them all for each page that it gives.
	maxExactCount = 10_000
	// maxLongPrefixes bounds how many prefixes are remembered to have many rows, and longMemory for how long.
	longMemory      = 10 * time.Minute
	maxLongPrefixes = 4096
)

// List gives the rows whose key begins with prefix and a dot, in the order of their revisions, from the first with a revision greater
// than after, at most limit (and 1,000). More says that others follow. A row that changes while its list is paged comes again.
//
// Nothing that was acknowledged before the call is missing, and nothing comes that was removed by then. Up to 1,024 rows under a prefix
// are read from one replica, which says how far it has read the table; one that is behind what the leader had at the call is not believed,
// and another asked. Of more, the leader is asked for one row after the other.
//
// It costs the server 5 to 10 µs a row under the prefix, and beyond 1,024 of them 40 to 100 µs for each that is given and a round trip: in
// either case the same however many others the table has, and in the latter however many are under the prefix. See BenchmarkTable.
//
// That there are more than 1,024 costs about 1 µs for each to find out, once in ten minutes. Rows that nobody used for some seconds come from
// the disk, with the 8 MiB of the table around them.
//
// Errors: ErrUnavailable, the context's.
func (b *Backbone) List(ctx context.Context, table, prefix string, after uint64, limit int) (rows []Row, more bool, err error) {
	defer b.metrics.tables.measure(table, "list", &err)()
	ctx, cancel, err := tableContext(ctx, table)
	if err != nil {
		return nil, false, err
	}
	defer cancel()
	limit = max(1, min(limit, maxRows))
	for {
		l := listing{b: b, table: table, filter: b.rowSubject(table, prefix) + ".>", want: limit + 1, next: after + 1}
		if err = l.run(ctx); err == nil {
			rows = byRevision(l.rows)
			return rows[:min(limit, len(rows))], len(rows) > limit, nil
		}
		if !sleep(ctx, listPause(err)) {
			return nil, false, fmt.Errorf("list rows of %s: %w: %w", table, ErrUnavailable, err)
		}
	}
}

// Count is the number of rows whose key begins with prefix and a dot. Up to 1,024 it costs as much as their list. Beyond that the leader
// counts keys, at about 0.5 µs each, and a replica is asked which rows were removed in the last minute and have left markers; beyond 10,000
// nobody is asked, and such rows still count. The server does little else with tables for this node meanwhile: do not count a whole application.
// Errors: ErrUnavailable, the context's.
func (b *Backbone) Count(ctx context.Context, table, prefix string) (n int, err error) {
	defer b.metrics.tables.measure(table, "count", &err)()
	ctx, cancel, err := tableContext(ctx, table)
	if err != nil {
		return 0, err
	}
	defer cancel()
	for {
		l := listing{b: b, table: table, filter: b.rowSubject(table, prefix) + ".>", want: maxMultiLast + 1, next: 1}
		if n, err = l.count(ctx); err == nil {
			return n, nil
		}
		if !sleep(ctx, listPause(err)) {
			return 0, fmt.Errorf("count rows of %s: %w: %w", table, ErrUnavailable, err)
		}
	}
}

// byRevision orders rows, which have their keys.
func byRevision(rows map[string]Row) []Row {
	return slices.SortedFunc(maps.Values(rows), func(a, b Row) int { return cmp.Compare(a.Revision, b.Revision) })
}

func listPause(err error) time.Duration {
	if errors.Is(err, errBehind) {
		return replicaRetryWait
	}
	return readRetryWait
}

// listing reads the newest messages of all subjects that match a filter.
type listing struct {
	b             *Backbone
	table, filter string
	// want is how many rows are enough.
	want int
	rows map[string]Row
	next uint64 // the sequence to go on from
}

var (
	errBehind  = errors.New("the replica is behind")
	errTooMany = errors.New("more rows than are given at once")
	errSlow    = errors.New("no replica answers in time")
)

func (l *listing) run(ctx context.Context) error {
	if l.b.long.has(l.filter, time.Now()) {
		return l.walk(ctx)
	}
	err := l.short(ctx)
	if isLong(err) {
		l.b.long.add(l.filter, time.Now())
		return l.walk(ctx)
	}
	return err
}

// isLong says whether there are too many rows to give them at once: so many, perhaps, that to find it out took too long.
func isLong(err error) bool { return errors.Is(err, errTooMany) || errors.Is(err, errSlow) }

func (l *listing) count(ctx context.Context) (int, error) {
	if !l.b.long.has(l.filter, time.Now()) {
		err := l.short(ctx)
		if !isLong(err) {
			return len(l.rows), err
		}
		l.b.long.add(l.filter, time.Now())
	}
	// An offset beyond the end asks for the number of subjects alone.
	request, err := json.Marshal(map[string]any{"subjects_filter": l.filter, "offset": 1 << 40})
	if err != nil {
		return 0, err
	}
	var info struct {
		Total int       `json:"total"`
		Now   time.Time `json:"ts"`
	}
	counting, cancel := context.WithTimeout(ctx, aheadWait)
	defer cancel()
	if err := apiAsk(counting, l.b.rows, "$JS.API.STREAM.INFO."+l.b.tableStream(l.table), request, &info); err != nil {
		return 0, err
	}
	if info.Total > maxExactCount {
		return info.Total, nil
	}
	removed, err := l.removed(ctx, info.Now.Add(-layout.RowMarkerAge-markerSlack))
	return info.Total - removed, err
}

// removed counts markers since then.
func (l *listing) removed(ctx context.Context, since time.Time) (n int, err error) {
	request := map[string]any{"start_time": since, "next_by_subj": l.filter, "batch": maxRows, "max_bytes": maxPageBytes}
	for {
		page, err := l.b.directPage(ctx, l.table, request)
		if err != nil {
			return 0, err
		}
		for _, s := range page.rows {
			if s.removed {
				n++
			}
			request["seq"] = s.Revision + 1
		}
		if page.pending == 0 {
			return n, nil
		}
		delete(request, "start_time")
	}
}

// short lists what has few matching subjects, from a replica that has all that the leader had before.
func (l *listing) short(ctx context.Context) error {
	state, err := streamInfo(ctx, l.b.rows, l.b.tableStream(l.table))
	if err != nil || state.Last < l.next {
		return err
	}
	for from := l.next; ; from = l.next {
		page, err := l.b.directPage(ctx, l.table, map[string]any{
			"multi_last": []string{l.filter}, "seq": from, "batch": min(l.want-len(l.rows), maxRows), "max_bytes": maxPageBytes,
		})
		if err == nil && page.empty && from > 1 {
			// Nothing says how far that replica is, but it does with all the rows.
			page, err = l.b.directPage(ctx, l.table, map[string]any{"multi_last": []string{l.filter}, "batch": maxMultiLast})
		}
		switch {
		case err != nil:
			return err
		case page.empty:
			return l.none(ctx)
		case page.upTo < state.Last:
			return errBehind
		}
		for _, s := range page.rows {
			if s.Revision >= from {
				l.add(s)
			}
		}
		if page.pending == 0 || len(l.rows) >= l.want {
			return nil
		}
	}
}

// none makes sure with the leader that no row has the prefix.
func (l *listing) none(ctx context.Context) error {
	first := listing{b: l.b, table: l.table, filter: l.filter, next: 1}
	s, err := first.ahead(ctx)
	if err == nil && s.Revision > 0 {
		err = errBehind
	}
	return err
}

// walk goes from one row to the next at the leader.
func (l *listing) walk(ctx context.Context) error {
	for len(l.rows) < l.want {
		s, err := l.ahead(ctx)
		if err != nil || s.Revision == 0 {
			return err
		}
		l.add(s)
	}
	return nil
}

// ahead asks the leader for the next row.
func (l *listing) ahead(ctx context.Context) (rowState, error) {
	ctx, cancel := context.WithTimeout(ctx, aheadWait)
	defer cancel()
	return l.b.askLeader(ctx, l.table, map[string]any{"seq": l.next, "next_by_subj": l.filter})
}

// add takes the next row in, which may be one that was there already and has changed meanwhile.
func (l *listing) add(s rowState) {
	l.next = s.Revision + 1
	if s.removed {
		delete(l.rows, s.Key)
		return
	}
	if l.rows == nil {
		l.rows = map[string]Row{}
	}
	l.rows[s.Key] = s.Row
}

// longPrefixes remembers for a while which filters match more than what is given at once, to spare the server the attempt.
type longPrefixes struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (p *longPrefixes) has(filter string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return now.Before(p.until[filter])
}

func (p *longPrefixes) add(filter string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil || len(p.until) >= maxLongPrefixes {
		p.until = map[string]time.Time{}
	}
	p.until[filter] = now.Add(longMemory)
}
