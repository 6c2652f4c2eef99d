package chat

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestLongListsAreRememberedAndFollowWhatOtherNodesDo(t *testing.T) {
	s, b := start(t, noLimits)
	other := must(New(Options{Log: b, Tables: b, Signals: b, ImplicitRooms: true, Limits: noLimits}))(t)
	t.Cleanup(other.Close)
	s.lists.long, s.lists.tables = 3, counting{b, &counters{}}
	reads := s.lists.tables.(counting).counters
	put := func(by *Service, room string) {
		t.Helper()
		if err := by.list(t.Context(), testFeed(room), "ann", 0, false); err != nil {
			t.Fatal(err)
		}
	}
	takeAway := func(by *Service, room string) {
		t.Helper()
		if err := removeRow(t.Context(), by.tables, layout.Inbox, inboxKey(testFeed(room), "ann")); err != nil {
			t.Fatal(err)
		}
	}
	see := func(want ...string) error {
		got, err := s.Joined(t.Context(), ann, 100)
		slices.Sort(got)
		if err == nil && !slices.Equal(got, want) {
			err = fmt.Errorf("listed %v; want %v", got, want)
		}
		return err
	}
	now := func(want ...string) {
		t.Helper()
		if err := see(want...); err != nil {
			t.Fatal(err)
		}
	}
	soon := func(want ...string) {
		t.Helper()
		wait.For(t, time.Minute, "the other node's change", func(context.Context) error { return see(want...) })
	}
	put(s, "room:a")
	put(s, "room:b")
	now("room:a", "room:b")
	put(other, "room:c")
	now("room:a", "room:b", "room:c") // the list was not remembered
	lists := reads.lists.Load()
	now("room:a", "room:b", "room:c")
	put(other, "room:d")
	soon("room:a", "room:b", "room:c", "room:d")
	put(s, "room:e")
	now("room:a", "room:b", "room:c", "room:d", "room:e")
	takeAway(other, "room:a")
	soon("room:b", "room:c", "room:d", "room:e")
	takeAway(s, "room:b")
	now("room:c", "room:d", "room:e")
	if more := reads.lists.Load() - lists; more != 0 {
		t.Fatalf("the whole list was read %d times more", more)
	}
	s.lists.changed("")
	now("room:c", "room:d", "room:e")
	if more := reads.lists.Load() - lists; more != 1 {
		t.Fatalf("after changes that were missed, the whole list was read %d times", more)
	}
	takeAway(s, "room:c")
	now("room:d", "room:e")
	if len(s.lists.users) != 0 || s.lists.size != 0 {
		t.Fatalf("short lists are remembered: %d, of %d rooms", len(s.lists.users), s.lists.size)
	}
}

// counting counts how often tables are listed.
type counting struct {
	Tables
	*counters
}

type counters struct{ lists atomic.Int64 }

func (c counting) All(ctx context.Context, table, prefix string) ([]backbone.Row, error) {
	c.lists.Add(1)
	return c.Tables.All(ctx, table, prefix)
}
