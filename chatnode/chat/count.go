package chat

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// countMembers is how many members a room has, without those who are invited, banned, or only muted.
func (s *Service) countMembers(ctx context.Context, feed backbone.Feed) (int, error) {
	n, err := s.tables.Count(ctx, layout.Members, roomKey(feed))
	for _, aside := range asides {
		if err == nil && n > 0 {
			var others int
			others, err = s.tables.Count(ctx, layout.Members, asidePrefix(feed, aside))
			n -= others
		}
	}
	return max(n, 0), fromLog(err)
}

// largeRoom is from how many members on a room's members are counted once in countAge: it takes the server about half a microsecond for each.
const largeRoom = 10_000

// shownMembers is how many members a room has, for people to read: of a large room it may be countAge old.
func (s *Service) shownMembers(ctx context.Context, st *standing) (int, error) {
	key, now := fmt.Sprint("shown ", st.room.value.Created, " ", roomKey(st.feed)), s.options.Now()
	if n, ok := s.counts.recent(key, now); ok {
		return n, nil
	}
	n, err := s.countMembers(ctx, st.feed)
	if err == nil && n >= largeRoom {
		s.counts.set(key, n, now)
	}
	return n, err
}

const (
	// countAge is how old a count may be that is shown of a large room, or for a limit that is far away.
	countAge = 10 * time.Second
	// maxCounts is how many counts a node remembers.
	maxCounts = 10_000
)

// counts remembers how many rows there are under a prefix. An exact count costs as much as there were changes in the last minute, which
// many who join at the same time would each have to pay; far from the limit, one that is a little old will do.
type counts struct {
	mu    sync.Mutex
	known map[string]counted
}

type counted struct {
	n  int
	at time.Time
}

// near says that a count is so near to its limit that it has to be exact.
func near(n, limit int) bool { return n > limit-limit/10 }

// take adds rows to the count that is known, if that is enough to know that they are within the limit.
func (c *counts) take(key string, more, limit int, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[key]
	if !ok || now.Sub(known.at) > countAge || near(known.n+more, limit) {
		return false
	}
	known.n += more
	c.known[key] = known
	return true
}

// recent is the count that is known, if it is no older than countAge.
func (c *counts) recent(key string, now time.Time) (int, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.known[key]
	return known.n, ok && now.Sub(known.at) <= countAge
}

func (c *counts) set(key string, n int, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCounts {
		c.known = map[string]counted{}
	}
	c.known[key] = counted{n, now}
}

// within says whether there may be more rows under a prefix. Of several who come at the same moment, a few may get past a limit.
func (s *Service) within(ctx context.Context, table, prefix string, more, limit int) (bool, error) {
	now, key := s.options.Now(), table+" "+prefix
	if limit == 0 || s.counts.take(key, more, limit, now) {
		return true, nil
	}
	n, err := s.tables.Count(ctx, table, prefix)
	if err != nil {
		return false, fromLog(err)
	}
	if n+more > limit {
		return false, nil
	}
	s.counts.set(key, n+more, now)
	return true, nil
}

// roomFor says whether a room may have more members.
func (s *Service) roomFor(ctx context.Context, feed backbone.Feed, more int) error {
	limit := s.membersPerRoom(feed.App)
	ok, err := s.within(ctx, layout.Members, roomKey(feed), more, limit)
	if err == nil && !ok {
		err = failf(Limit, "%s has as many members as it may: %d", Channel(feed), limit)
	}
	return err
}

// mayHold says whether a user may have one more room.
func (s *Service) mayHold(ctx context.Context, app, user string) (bool, error) {
	return s.within(ctx, layout.Inbox, layout.RowKey(app, user), 1, s.limits.RoomsPerUser)
}
