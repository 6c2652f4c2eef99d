package backbone

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// maxRows is the most rows of one page.
	maxRows = 1000
	// maxPageBytes is about how many bytes of rows come at a time.
	maxPageBytes = 4 << 20
	// replicaRetryWait is the pause before another replica is asked instead of one that is behind.
	replicaRetryWait = 10 * time.Millisecond
	// markerSlack is how much longer than layout.RowMarkerAge a marker may be there.
	markerSlack = 15 * time.Second
)

// List gives the rows whose key begins with prefix and a dot, in the order of their revisions, from the first with a revision greater
// than after, at most limit (and 1,000). More says that others follow. A row that changes while its list is paged comes again.
//
// Nothing that was acknowledged before the call is missing. Up to 1,024 rows under a prefix come from one replica, which says how far it
// has read the table; one that is behind what the leader had at the call is not believed, and another asked. Of more rows, a replica
// gives those in a range of revisions, of which it has all if it has a later one; what seems to be the end is always asked of the leader.
// In such a long list, a row may look as it did some milliseconds before the call if the replica is behind.
//
// It costs the server about 3 µs a row under the prefix, whatever else the table has; beyond 1,024 rows, about as much for each row of
// the table between the first and the last one of the page.
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
		l := listing{b: b, table: table, filter: b.rowSubject(table, prefix) + ".>", want: limit + 1}
		if err = l.run(ctx, after+1); err == nil {
			rows = l.sorted()
			return rows[:min(limit, len(rows))], len(rows) > limit, nil
		}
		pause := readRetryWait
		if errors.Is(err, errBehind) {
			pause = replicaRetryWait
		}
		if !sleep(ctx, pause) {
			return nil, false, fmt.Errorf("list rows of %s: %w: %w", table, ErrUnavailable, err)
		}
	}
}

// Count is the number of rows whose key begins with prefix and a dot, as the leader has it. It costs the server about 0.2 µs a row
// under the prefix, and a look at what changed under it in the last minute, since removed rows leave markers for that long.
// Errors: ErrUnavailable, the context's.
func (b *Backbone) Count(ctx context.Context, table, prefix string) (n int, err error) {
	defer b.metrics.tables.measure(table, "count", &err)()
	ctx, cancel, err := tableContext(ctx, table)
	if err != nil {
		return 0, err
	}
	defer cancel()
	for {
		if n, err = b.count(ctx, table, b.rowSubject(table, prefix)+".>"); err == nil {
			return n, nil
		}
		if !sleep(ctx, readRetryWait) {
			return 0, fmt.Errorf("count rows of %s: %w: %w", table, ErrUnavailable, err)
		}
	}
}

func (b *Backbone) count(ctx context.Context, table, filter string) (int, error) {
	// An offset beyond the end asks for the number of subjects alone.
	request, err := json.Marshal(map[string]any{"subjects_filter": filter, "offset": 1 << 40})
	if err != nil {
		return 0, err
	}
	var info struct {
		Total int       `json:"total"`
		Now   time.Time `json:"ts"`
	}
	if err := apiRequest(ctx, b.main, "$JS.API.STREAM.INFO."+b.tableStream(table), request, &info); err != nil || info.Total == 0 {
		return 0, err
	}
	l := listing{b: b, table: table, filter: filter, want: info.Total + 1, long: true}
	err = l.from(ctx, map[string]any{"start_time": info.Now.Add(-layout.RowMarkerAge - markerSlack)})
	return info.Total - l.markers, err
}

// listing reads the newest messages of all subjects that match a filter.
type listing struct {
	b             *Backbone
	table, filter string
	// want is how many rows are enough.
	want int
	// long lists read ranges of the table, and not the matching subjects at once.
	long    bool
	rows    map[string]Row
	markers int
	next    uint64 // the sequence to go on from
}

var (
	errBehind  = errors.New("the replica is behind")
	errTooMany = errors.New("more rows than are given at once")
)

// run lists from that sequence on.
func (l *listing) run(ctx context.Context, next uint64) error {
	l.next = next
	state, err := streamInfo(ctx, l.b.main, l.b.tableStream(l.table))
	if err != nil || state.Last < next {
		return err
	}
	err = l.short(ctx, state.Last)
	if !errors.Is(err, errTooMany) {
		return err
	}
	l.long = true
	return l.from(ctx, map[string]any{"seq": l.next})
}

// short lists what has few matching subjects, from a replica that has at least that sequence.
func (l *listing) short(ctx context.Context, floor uint64) error {
	for {
		page, err := l.b.directPage(ctx, l.table, map[string]any{
			"multi_last": []string{l.filter}, "seq": l.next, "batch": l.want - len(l.rows), "max_bytes": maxPageBytes,
		})
		if err != nil {
			return err
		}
		if page.empty {
			// Nothing says how far that replica is. The leader does, as it would about a row that is new by now.
			s, err := l.b.askLeader(ctx, l.table, map[string]any{"seq": l.next, "next_by_subj": l.filter})
			if err == nil && s.Revision > 0 {
				err = errBehind
			}
			return err
		}
		if page.upTo < floor {
			return errBehind
		}
		l.add(page.rows)
		if page.pending == 0 || len(l.rows) >= l.want {
			return nil
		}
	}
}

// from lists ranges of the table, beginning with what start says, and asks the leader for what seems to be behind the end.
func (l *listing) from(ctx context.Context, start map[string]any) error {
	for len(l.rows) < l.want {
		request := map[string]any{"next_by_subj": l.filter, "batch": min(maxRows, l.want-len(l.rows)), "max_bytes": maxPageBytes}
		if l.next > 0 {
			start = map[string]any{"seq": l.next}
		}
		for k, v := range start {
			request[k] = v
		}
		page, err := l.b.directPage(ctx, l.table, request)
		if err != nil {
			return err
		}
		l.add(page.rows)
		if page.empty || page.pending == 0 {
			break
		}
	}
	for len(l.rows) < l.want {
		request := map[string]any{"seq": l.next, "next_by_subj": l.filter}
		if l.next == 0 {
			request = map[string]any{"start_time": start["start_time"], "next_by_subj": l.filter}
		}
		s, err := l.b.askLeader(ctx, l.table, request)
		if err != nil || s.Revision == 0 {
			return err
		}
		l.add([]rowState{s})
	}
	return nil
}

// add takes rows in, in the order of their sequences.
func (l *listing) add(rows []rowState) {
	if l.rows == nil {
		l.rows = map[string]Row{}
	}
	for _, s := range rows {
		l.next = s.Revision + 1
		if s.removed {
			l.markers++
			delete(l.rows, s.Key)
			continue
		}
		l.rows[s.Key] = s.Row
	}
}

func (l *listing) sorted() []Row {
	rows := make([]Row, 0, len(l.rows))
	for _, row := range l.rows {
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Revision, b.Revision) })
	return rows
}

// rowPage is the answer of a replica to a request for many messages.
type rowPage struct {
	rows []rowState
	// pending is how many follow, and upTo how far the replica had read the stream (0: unknown).
	pending, upTo uint64
	empty         bool
}

// directPage asks any replica once.
func (b *Backbone) directPage(ctx context.Context, table string, request map[string]any) (page rowPage, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeWait)
	defer cancel()
	raw, err := json.Marshal(request)
	if err != nil {
		return page, err
	}
	replies := make(chan *nats.Msg, maxRows+2)
	inbox := b.main.NewInbox()
	sub, err := b.main.ChanSubscribe(inbox, replies)
	if err != nil {
		return page, err
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := b.main.PublishRequest("$JS.API.DIRECT.GET."+b.tableStream(table), inbox, raw); err != nil {
		return page, err
	}
	prefix, last := b.tablePrefix(table), uint64(0)
	for {
		select {
		case <-ctx.Done():
			return page, fmt.Errorf("read many rows: %w", ctx.Err())
		case m := <-replies:
			if m.Header.Get("Status") != "" {
				return page, page.end(m.Header, last)
			}
			seq, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil || m.Header.Get("Nats-Last-Sequence") != strconv.FormatUint(last, 10) {
				return page, errors.New("an answer with many rows has a hole")
			}
			last = seq
			row := Row{Key: strings.TrimPrefix(m.Header.Get("Nats-Subject"), prefix), Data: m.Data, Revision: seq}
			page.rows = append(page.rows, rowState{row, isMarker(m.Header)})
		}
	}
}

// end takes the end of the answer, whose last message had that sequence.
func (p *rowPage) end(h nats.Header, last uint64) error {
	switch status := h.Get("Status"); status {
	case "204":
		pending, err := strconv.ParseUint(h.Get("Nats-Num-Pending"), 10, 64)
		if err != nil || h.Get("Nats-Last-Sequence") != strconv.FormatUint(last, 10) {
			return errors.New("an answer with many rows has a hole at its end")
		}
		p.pending = pending
		p.upTo, _ = strconv.ParseUint(h.Get("Nats-UpTo-Sequence"), 10, 64) // only the short form has it
		return nil
	case "404":
		p.empty = true
		return nil
	case "413":
		return errTooMany
	default:
		return fmt.Errorf("read many rows: status %s %s", status, h.Get("Description"))
	}
}
