package chat

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// longList is how many rooms make a user's list long: a node remembers it, since to read it takes tens of microseconds a room.
	longList = 500
	// maxListed is how many rooms of long lists a node remembers; beyond it, any lists are forgotten.
	maxListed = 500_000
)

// lists remembers the long ones among users' lists of rooms. Of each, rows that change are read again.
type lists struct {
	tables Tables
	long   int // from how many rooms on a list is remembered

	mu    sync.Mutex
	users map[string]*userList // by the prefix of their rows
	size  int                  // rooms of all that are loaded
}

// userList is one user's list.
type userList struct {
	turn   chan struct{} // holds a token while somebody reads it
	loaded bool          // guarded by turn, as rows
	rows   map[string]backbone.Row
	// stale are the keys of rows that have changed, size how many there were; guarded by lists.mu.
	stale map[string]struct{}
	size  int
}

// maxLost is how often a list is read anew since changes may have been missed.
const maxLost = 3

// read gives the rows of a user's list, in no order. All that was written before by this node is seen, and what others wrote a moment
// later.
func (l *lists) read(ctx context.Context, app, user string) ([]backbone.Row, error) {
	prefix := layout.RowKey(app, user)
	for attempt := 1; ; attempt++ {
		u := l.of(prefix)
		rows, err := l.readOne(ctx, prefix, u)
		if err != nil {
			l.drop(prefix, u)
			return nil, err
		}
		if kept := l.keep(prefix, u, len(rows)); kept || attempt == maxLost {
			return rows, nil
		}
	}
}

// of is the user's list, whether it is loaded or not.
func (l *lists) of(prefix string) *userList {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[prefix]
	if u == nil {
		u = &userList{turn: make(chan struct{}, 1), stale: map[string]struct{}{}}
		if l.users == nil {
			l.users = map[string]*userList{}
		}
		l.users[prefix] = u
	}
	return u
}

func (l *lists) readOne(ctx context.Context, prefix string, u *userList) ([]backbone.Row, error) {
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l.mu.Lock()
	stale := u.stale
	u.stale = map[string]struct{}{}
	l.mu.Unlock()
	var err error
	if u.loaded {
		err = l.refresh(ctx, u, stale)
	} else {
		err = l.load(ctx, prefix, u)
	}
	if err != nil {
		u.loaded = false
		return nil, err
	}
	rows := make([]backbone.Row, 0, len(u.rows))
	for _, row := range u.rows {
		rows = append(rows, row)
	}
	if u.loaded = len(rows) >= l.long; !u.loaded {
		u.rows = nil
	}
	return rows, nil
}

// load reads all rows. What changes meanwhile is stale afterwards.
func (l *lists) load(ctx context.Context, prefix string, u *userList) error {
	u.rows = map[string]backbone.Row{}
	for after := uint64(0); ; {
		rows, more, err := l.tables.List(ctx, layout.Inbox, prefix, after, rowsAtOnce)
		if err != nil {
			return err
		}
		for _, row := range rows {
			u.rows[row.Key], after = row, row.Revision
		}
		if !more || len(rows) == 0 {
			return nil
		}
	}
}

// refresh reads the rows that have changed.
func (l *lists) refresh(ctx context.Context, u *userList, stale map[string]struct{}) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(reading)
	var mu sync.Mutex
	for key := range stale {
		work.Go(func() error {
			row, err := l.tables.Get(ctx, layout.Inbox, key)
			mu.Lock()
			defer mu.Unlock()
			if u.rows[key] = row; row.Revision == 0 {
				delete(u.rows, key)
			}
			return err
		})
	}
	return work.Wait()
}

// keep remembers a list that was read if it is long, and says whether the changes to it were followed until now.
func (l *lists) keep(prefix string, u *userList, size int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users[prefix] != u {
		return size < l.long // read as a whole, and what was missed came later
	}
	l.size += size - u.size
	u.size = size
	if size < l.long {
		l.remove(prefix)
		return true
	}
	for other := range l.users {
		if l.size <= maxListed {
			break
		}
		if other != prefix {
			l.remove(other)
		}
	}
	return true
}

func (l *lists) drop(prefix string, u *userList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.users[prefix] == u {
		l.remove(prefix)
	}
}

// remove needs mu.
func (l *lists) remove(prefix string) {
	l.size -= l.users[prefix].size
	delete(l.users, prefix)
}

// changed notes that a row is to be read again; an empty key, that any may have changed.
func (l *lists) changed(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if key == "" {
		clear(l.users)
		l.size = 0
		return
	}
	if end := strings.LastIndexByte(key, '.'); end > 0 {
		if u := l.users[key[:end]]; u != nil {
			u.stale[key] = struct{}{}
		}
	}
}

// noticed are tables that say when this node has written a row, or may have.
type noticed struct {
	Tables
	wrote func(table, key string)
}

// Put writes a row.
func (n noticed) Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error) {
	defer n.wrote(table, key)
	return n.Tables.Put(ctx, table, key, data, expected)
}

// Remove takes a row away.
func (n noticed) Remove(ctx context.Context, table, key string, expected uint64) error {
	defer n.wrote(table, key)
	return n.Tables.Remove(ctx, table, key, expected)
}

// wrote is told of every row that this node writes.
func (s *Service) wrote(table, key string) {
	if table == layout.Inbox {
		s.lists.changed(key)
	}
}
