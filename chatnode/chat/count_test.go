package chat

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// crowd is a table with so many members of one room, and nobody aside.
type crowd struct {
	Tables
	members, counted int
}

func (c *crowd) Count(_ context.Context, table, prefix string) (int, error) {
	feed := testFeed("room:a")
	if table != layout.Members || !strings.HasPrefix(prefix, roomKey(feed)) {
		return 0, nil
	}
	c.counted++
	return c.members, nil
}

func TestMembersOfALargeRoomAreCountedOnceInAWhile(t *testing.T) {
	now := time.UnixMilli(1)
	c := &crowd{members: largeRoom - 1}
	s := &Service{tables: c, options: Options{Now: func() time.Time { return now }}}
	st := standing{feed: testFeed("room:a")}
	for _, step := range []struct {
		what          string
		members       int
		pass          time.Duration
		shown, counts int
	}{
		{"a room that is not large", largeRoom - 1, 0, largeRoom - 1, 1},
		{"it, after somebody joined", largeRoom, 0, largeRoom, 2},
		{"a large room, soon after", largeRoom + 1, countAge, largeRoom, 2},
		{"it, later", largeRoom + 2, time.Millisecond, largeRoom + 2, 3},
	} {
		now = now.Add(step.pass)
		c.members = step.members
		if n := must(s.shownMembers(t.Context(), &st))(t); n != step.shown || c.counted != step.counts {
			t.Errorf("%s: %d members, %d counts; want %d and %d", step.what, n, c.counted, step.shown, step.counts)
		}
	}
	st.room.value.Created = 2
	c.members = 3
	if n := must(s.shownMembers(t.Context(), &st))(t); n != 3 {
		t.Errorf("another room of the same name has %d members", n)
	}
}
