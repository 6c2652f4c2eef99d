package backbone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Watch calls changed after every change of a row of the table, by whichever node, with the row's key; and with an empty key whenever
// changes may have been missed, so that everything that is remembered of the table must be forgotten. The first call is of that kind, and may
// come before Watch returns: from then on the watch is in force. Changes of one row that come quickly one after the other may be told once.
// It goes on until stop, or Close; a call that is on its way may still come after stop.
//
// The calls come one at a time, soon after the change (milliseconds; seconds if servers are lost) but not before it is acknowledged or with
// it. So a cache that is filled by Get must not keep what it read before a call that came while it was reading. All who watch a table share
// one consumer of the node: changed must not block.
//
// Errors: ErrClosed.
func (b *Backbone) Watch(table string, changed func(key string)) (stop func(), err error) {
	if !slices.Contains(layout.Tables[:], table) {
		return nil, fmt.Errorf("there is no table %q", table)
	}
	if b.ctx.Err() != nil {
		return nil, ErrClosed
	}
	w, made := b.watches.of(table)
	stop = w.add(changed)
	if made {
		b.spawn(func() { w.run(b.ctx, b, table) })
	}
	return stop, nil
}

// tableWatches are the watches of one node.
type tableWatches struct {
	mu  sync.Mutex
	all map[string]*tableWatch
}

// of gives the watch of a table, and whether it is new.
func (ws *tableWatches) of(table string) (w *tableWatch, made bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w = ws.all[table]; w != nil {
		return w, false
	}
	if ws.all == nil {
		ws.all = map[string]*tableWatch{}
	}
	w = &tableWatch{callers: map[*func(string)]bool{}}
	ws.all[table] = w
	return w, true
}

// tableWatch is one consumer and those whom it tells.
type tableWatch struct {
	mu      sync.Mutex
	callers map[*func(string)]bool

	telling sync.Mutex // held while callers are called, so that calls come one at a time
	// inForce is whether callers have been told that it is; guarded by telling.
	inForce bool
}

func (w *tableWatch) add(changed func(string)) (stop func()) {
	caller := &changed
	w.mu.Lock()
	w.callers[caller] = true
	w.mu.Unlock()
	w.telling.Lock()
	if w.inForce { // nobody else will say so to whoever comes late
		changed("")
	}
	w.telling.Unlock()
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.callers, caller)
	}
}

// miss says that changes may have been missed, and whether the watch was in force before.
func (w *tableWatch) miss() (was bool) {
	w.telling.Lock()
	was, w.inForce = w.inForce, true
	w.telling.Unlock()
	w.tell("")
	return was
}

// tell calls all callers without mu, which they may want.
func (w *tableWatch) tell(key string) {
	w.telling.Lock()
	defer w.telling.Unlock()
	w.mu.Lock()
	callers := make([]*func(string), 0, len(w.callers))
	for c := range w.callers {
		callers = append(callers, c)
	}
	w.mu.Unlock()
	for _, c := range callers {
		(*c)(key)
	}
}

// errWentBack says that the stream has less than it had: it was made anew, or lost its end.
var errWentBack = errors.New("the table went back")

// run reads the table's stream from its present end on, until ctx ends. Whenever it begins anew it says that changes may have been missed:
// it goes on where it was, but the markers of removed rows may have aged away meanwhile.
func (w *tableWatch) run(ctx context.Context, b *Backbone, table string) {
	for ctx.Err() == nil {
		state, err := streamInfo(ctx, b.rows, b.tableStream(table))
		if err == nil {
			err = w.read(ctx, b, table, state.Last)
		}
		if ctx.Err() == nil && !errors.Is(err, errWentBack) {
			b.log.Warn("could not watch a table", "table", table, "error", err)
		}
		if !sleep(ctx, readRetryWait) {
			return
		}
	}
}

func (w *tableWatch) read(ctx context.Context, b *Backbone, table string, last uint64) error {
	r := reader{
		nc: b.rows, stream: b.tableStream(table), prefix: b.tablePrefix(table), inbox: b.layout.Inbox(b.id) + ".w",
		heartbeat: readHeartbeat, bare: true,
		opened: func(state streamState) error {
			if w.miss() {
				b.metrics.tables.missed.WithLabelValues(table).Inc()
			}
			if state.Last < last {
				return errWentBack
			}
			return nil
		},
		deliver: func(s stored) error {
			last = s.body.Offset
			b.metrics.tables.changes.WithLabelValues(table).Inc()
			w.tell(s.key)
			return nil
		},
		caughtUp: func(uint64) {},
	}
	if b.server != nil {
		r.heartbeat = aloneHeartbeat
	}
	return r.run(ctx, last+1)
}
