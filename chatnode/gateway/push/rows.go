package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Tables is where accounts are kept: what backbone gives.
type Tables interface {
	Get(ctx context.Context, table, key string) (backbone.Row, error)
	Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error)
	Remove(ctx context.Context, table, key string, expected uint64) error
	Watch(table string, changed func(key string)) (func(), error)
}

const (
	// table is where everything is kept, below the rows of users.
	table = layout.People
	// maxRemembered is how many rows a node remembers.
	maxRemembered = 20_000
	// maxConflicts is how often a change is made anew since somebody else was faster.
	maxConflicts = 20
)

var (
	// errConflict says that others are changing the same row all the time.
	errConflict = errors.New("others are changing the same row")
	// errKeep says that a row may stay as it is.
	errKeep = errors.New("nothing to change")
)

// rows reads and writes rows of one kind, and remembers those that are there until they change.
type rows[V any] struct {
	tables Tables

	mu    sync.Mutex
	known map[string]*V
	// reading counts for each key the reads under way, of which a change since their beginning makes what they found worth nothing.
	reading map[string]*reading
}

type reading struct {
	readers int
	stale   bool
}

func newRows[V any](t Tables) *rows[V] {
	return &rows[V]{tables: t, known: map[string]*V{}, reading: map[string]*reading{}}
}

// get gives a row, nil if there is none, as it was a moment ago. It is shared: it must not be changed.
func (r *rows[V]) get(ctx context.Context, key string) (*V, error) {
	r.mu.Lock()
	if v := r.known[key]; v != nil {
		r.mu.Unlock()
		return v, nil
	}
	r.mu.Unlock()
	return r.fresh(ctx, key)
}

// fresh gives the row as it is.
func (r *rows[V]) fresh(ctx context.Context, key string) (*V, error) {
	r.mu.Lock()
	mine := r.reading[key]
	if mine == nil || mine.stale {
		mine = &reading{}
		r.reading[key] = mine
	}
	mine.readers++
	r.mu.Unlock()
	v, _, err := r.load(ctx, key)
	r.mu.Lock()
	defer r.mu.Unlock()
	if mine.readers--; mine.readers == 0 && r.reading[key] == mine {
		delete(r.reading, key)
	}
	if err == nil && v != nil && !mine.stale {
		for other := range r.known {
			if len(r.known) < maxRemembered {
				break
			}
			delete(r.known, other)
		}
		r.known[key] = v
	}
	return v, err
}

func (r *rows[V]) load(ctx context.Context, key string) (v *V, revision uint64, err error) {
	row, err := r.tables.Get(ctx, table, key)
	if err != nil || row.Revision == 0 {
		return nil, 0, err
	}
	v = new(V)
	if err := json.Unmarshal(row.Data, v); err != nil {
		return nil, 0, fmt.Errorf("read %s of %s: %w", key, table, err)
	}
	return v, row.Revision, nil
}

// change lets what stands in a row, nil if there is none, be made anew; what to gives as error ends it, and errKeep leaves the row. It gives
// what stands there then. Errors besides: errConflict, those of the table.
func (r *rows[V]) change(ctx context.Context, key string, to func(now *V) (*V, error)) (*V, error) {
	for range maxConflicts {
		now, revision, err := r.load(ctx, key)
		if err != nil {
			return nil, err
		}
		next, err := to(now)
		if errors.Is(err, errKeep) {
			return now, nil
		}
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(next)
		if err != nil {
			return nil, err
		}
		_, err = r.tables.Put(ctx, table, key, data, revision)
		r.forget(key)
		if err == nil {
			return next, nil
		}
		if !errors.Is(err, backbone.ErrConflict) {
			return nil, err
		}
	}
	return nil, errConflict
}

// remove takes a row away, whatever it says.
func (r *rows[V]) remove(ctx context.Context, key string) error {
	for range maxConflicts {
		row, err := r.tables.Get(ctx, table, key)
		if err == nil && row.Revision != 0 {
			err = r.tables.Remove(ctx, table, key, row.Revision)
		}
		r.forget(key)
		if err == nil || !errors.Is(err, backbone.ErrConflict) {
			return err
		}
	}
	return errConflict
}

// forget makes the next get read the row; an empty key is all rows.
func (r *rows[V]) forget(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key == "" {
		clear(r.known)
		for _, under := range r.reading {
			under.stale = true
		}
		return
	}
	delete(r.known, key)
	if under := r.reading[key]; under != nil {
		under.stale = true
	}
}
