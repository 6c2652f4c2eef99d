package chat

import (
	"context"
	"strings"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// maxRevokedNews is how many changed rows wait to be read. Beyond it, all are.
const maxRevokedNews = 1024

// revocations is everything that a node knows of revoked users: all rows of their table.
type revocations struct {
	mu   sync.RWMutex
	rows map[string]record[revokedRecord] // nil: not read yet
	apps map[string]int                   // how many of them each application has, by appOf
	tell []func(app, user string)
	// ofApp and ofAll bound the rows of one application, and of all.
	ofApp, ofAll int
	// since has rows that were set since somebody began to read all; nil: nobody does.
	since map[string]record[revokedRecord]

	news sync.Mutex
	// keys have changed since they were read; all: any may have.
	keys map[string]struct{}
	all  bool
	wake chan struct{}
}

func (r *revocations) init() {
	r.wake, r.ofApp, r.ofAll = make(chan struct{}, 1), maxRevoked, maxRevokedOfAll
}

func (r *revocations) onChange(tell func(app, user string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tell = append(r.tell, tell)
}

// get gives a user's row; known is false if the table has not been read yet.
func (r *revocations) get(key string) (row revokedRecord, known bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.rows[key].value, r.rows != nil
}

// roomFor says whether one more user may have a row. Of several who come at the same moment, a few may get past a limit.
func (r *revocations) roomFor(key string) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	switch {
	case r.apps[appOf(key)] >= r.ofApp:
		return failf(Limit, "the application has as many revoked or banned users as it may: %d", r.ofApp)
	case len(r.rows) >= r.ofAll:
		return failf(Limit, "all applications together have as many revoked or banned users as they may: %d", r.ofAll)
	}
	return nil
}

func (r *revocations) count() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.rows)
}

// appOf is what the keys of an application's rows begin with.
func appOf(key string) string {
	app, _, _ := strings.Cut(key, ".")
	return app
}

// older lists rows of users who are not banned, and whose tokens were revoked before that time, in milliseconds; at most limit.
func (r *revocations) older(than int64, limit int) (rows []backbone.Row) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for key, row := range r.rows {
		if len(rows) < limit && !row.value.Banned && row.value.Before < than {
			rows = append(rows, backbone.Row{Key: key, Revision: row.revision})
		}
	}
	return rows
}

// set takes in what a row says, unless something newer is known.
func (r *revocations) set(key string, row record[revokedRecord]) {
	r.mu.Lock()
	if r.since != nil && row.exists() {
		r.since[key] = row
	}
	was := r.rows[key]
	if r.rows == nil || row.exists() && row.revision < was.revision {
		r.mu.Unlock()
		return
	}
	r.put(key, row)
	tell := r.tell
	r.mu.Unlock()
	if row.value.stricter(was.value) {
		tellRevoked(tell, key)
	}
}

// put needs mu.
func (r *revocations) put(key string, row record[revokedRecord]) {
	_, had := r.rows[key]
	switch {
	case row.exists():
		r.rows[key] = row
		if !had {
			r.apps[appOf(key)]++
		}
	case had:
		delete(r.rows, key)
		if r.apps[appOf(key)]--; r.apps[appOf(key)] == 0 {
			delete(r.apps, appOf(key))
		}
	}
}

// reading is to be called before all rows are read.
func (r *revocations) reading() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since = map[string]record[revokedRecord]{}
}

// replace takes in all rows, as they were read since reading was called.
func (r *revocations) replace(rows map[string]record[revokedRecord]) {
	r.mu.Lock()
	for key, row := range r.since {
		if row.revision > rows[key].revision {
			rows[key] = row
		}
	}
	var stricter []string
	for key, row := range rows {
		if row.value.stricter(r.rows[key].value) {
			stricter = append(stricter, key)
		}
	}
	r.rows, r.since, r.apps = rows, nil, map[string]int{}
	for key := range rows {
		r.apps[appOf(key)]++
	}
	tell := r.tell
	r.mu.Unlock()
	for _, key := range stricter {
		tellRevoked(tell, key)
	}
}

// stricter says whether somebody who was admitted may be so no more, or has been erased since.
func (r revokedRecord) stricter(than revokedRecord) bool {
	return r.Before > than.Before || r.Banned && !than.Banned || r.Erased > than.Erased
}

func tellRevoked(tell []func(app, user string), key string) {
	parts, ok := layout.ParseRowKey(key)
	if !ok || len(parts) != 2 {
		return
	}
	for _, t := range tell {
		t(parts[0], parts[1])
	}
}

// note takes the key of a row that has changed, empty if any may have. It does not block.
func (r *revocations) note(key string) {
	if key == "" {
		r.giveBack(nil, true)
		return
	}
	r.giveBack(map[string]struct{}{key: {}}, false)
}

// giveBack has rows read, or all.
func (r *revocations) giveBack(keys map[string]struct{}, all bool) {
	r.news.Lock()
	if r.keys == nil {
		r.keys = map[string]struct{}{}
	}
	for key := range keys {
		r.keys[key] = struct{}{}
	}
	if r.all = r.all || all || len(r.keys) > maxRevokedNews; r.all {
		r.keys = nil
	}
	r.news.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take waits for rows that are to be read.
func (r *revocations) take(ctx context.Context) (keys map[string]struct{}, all bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case <-r.wake:
	}
	r.news.Lock()
	defer r.news.Unlock()
	keys, all = r.keys, r.all
	r.keys, r.all = nil, false
	return keys, all
}
