package chat

import (
	"context"
	"strings"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// longList is how many rooms make a user's list long: a node remembers it, since to read and count it takes some 20 µs a room.
	longList = 100
	// maxListed is how many rooms of long lists a node remembers, in about 300 bytes each; beyond it, any lists are forgotten.
	maxListed = 500_000
	// maxLost is how often a list is read anew since changes may have been missed.
	maxLost = 3
)

// lists remembers the long ones among users' lists of rooms.
type lists struct {
	tables Tables
	log    Log
	long   int // from how many rooms on a list is remembered
	most   int // how many rooms are remembered

	mu    sync.Mutex
	users map[string]*userList // by the prefix of their rows
	size  int                  // rooms of all that are loaded

	metrics *metrics
}

// remembered is how many rooms are on the lists that are remembered.
func (l *lists) remembered() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// read gives a user's list. All rows that were written before by this node are seen, and those that others wrote a moment later; of
// messages and what becomes of them, all that was appended through this node, and what others appended as soon as the owner of the shard
// has it.
func (l *lists) read(ctx context.Context, app, user string) (in inbox, err error) {
	err = l.visit(ctx, app, user, func(u *userList) error {
		if u.loaded {
			if err := u.takeChanges(ctx, l.log); err != nil {
				return err
			}
		}
		l.metrics.roomsCounted.Add(float64(len(u.due)))
		err := u.count(ctx, l.log)
		in = u.inbox
		return err
	})
	return in, err
}

// joined gives the rooms on a user's list to which the user is not only invited, in no order. Rows are seen as read sees them; owners of
// shards are not asked.
func (l *lists) joined(ctx context.Context, app, user string) (feeds []backbone.Feed, err error) {
	err = l.visit(ctx, app, user, func(u *userList) error {
		feeds = nil
		for _, some := range u.rooms {
			for _, c := range some {
				if !c.marks.Invited {
					feeds = append(feeds, c.feed)
				}
			}
		}
		return nil
	})
	return feeds, err
}

// visit shows a list whose rows are up to date; again if it then turns out that changes may have been missed.
func (l *lists) visit(ctx context.Context, app, user string, see func(*userList) error) error {
	prefix := layout.RowKey(app, user)
	for attempt := 1; ; attempt++ {
		u := l.of(prefix, app, user)
		size, err := l.visitOne(ctx, prefix, u, see)
		if err != nil {
			l.drop(prefix, u)
			return err
		}
		if kept := l.keep(prefix, u, size); kept || attempt == maxLost {
			return nil
		}
	}
}

// of is the user's list, whether it is loaded or not.
func (l *lists) of(prefix, app, user string) *userList {
	l.mu.Lock()
	defer l.mu.Unlock()
	u := l.users[prefix]
	if u == nil {
		u = &userList{app: app, user: user, turn: make(chan struct{}, 1), stale: map[string]struct{}{}}
		if l.users == nil {
			l.users = map[string]*userList{}
		}
		l.users[prefix] = u
	}
	return u
}

func (l *lists) visitOne(ctx context.Context, prefix string, u *userList, see func(*userList) error) (size int, err error) {
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	l.mu.Lock()
	stale := u.stale
	u.stale = map[string]struct{}{}
	l.mu.Unlock()
	var rows []backbone.Row
	if u.loaded {
		rows, err = l.reread(ctx, stale)
	} else {
		u.clear()
		rows, err = l.tables.All(ctx, layout.Inbox, prefix) // what changes meanwhile is stale afterwards
	}
	if err == nil {
		err = u.takeRows(l.log.ShardOf, rows)
	}
	if err == nil {
		size = u.len()
		u.loaded = size >= l.long
		err = see(u)
	}
	if err != nil || !u.loaded {
		u.clear()
	}
	return size, err
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
	if size > l.most {
		l.forget(prefix)
		return true
	}
	for other := range l.users {
		if l.size <= l.most {
			break
		}
		if other != prefix {
			l.forget(other)
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

// forget needs mu.
func (l *lists) forget(prefix string) {
	if l.users[prefix].size > 0 {
		l.metrics.listsForgotten.Inc()
	}
	l.remove(prefix)
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
			if u.stale[key] = struct{}{}; len(u.stale) > max(u.size, l.long) {
				l.forget(key[:end]) // to read it as a whole costs less
			}
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
