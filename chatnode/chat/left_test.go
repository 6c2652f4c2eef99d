package chat

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/wait"
)

// leave ends the last connection of a user, and waits until that is noted.
func leave(t *testing.T, s *Service, user string) {
	t.Helper()
	s.Left(DefaultApp, user)
	allNoted(t, s)
}

func allNoted(t *testing.T, s *Service) {
	t.Helper()
	wait.For(t, 30*time.Second, "departures to be noted", func(context.Context) error {
		if n := s.departures.size(); n > 0 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
}

// crowded tables let few write to a table at a time, and count who does; while they are down nobody can.
type crowded struct {
	Tables
	table      string
	down       atomic.Bool
	mu         sync.Mutex
	now, most  int
	failed     int
	everything chan struct{} // closed: writes may go on
}

func (c *crowded) Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error) {
	if table != c.table {
		return c.Tables.Put(ctx, table, key, data, expected)
	}
	if c.down.Load() {
		c.mu.Lock()
		c.failed++
		c.mu.Unlock()
		return 0, backbone.ErrUnavailable
	}
	c.mu.Lock()
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	select {
	case <-c.everything:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	return c.Tables.Put(ctx, table, key, data, expected)
}

func (c *crowded) count() (now, most, failed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.most, c.failed
}

func TestAMassDisconnectIsNotedAFewUsersAtATimeAndOfEveryone(t *testing.T) {
	s, b := start(t, noLimits)
	slow := &crowded{Tables: b, table: layout.People, everything: make(chan struct{})}
	s.tables = slow
	const users = 300
	for i := range users {
		s.Left(DefaultApp, fmt.Sprint("user", i))
	}
	wait.For(t, 30*time.Second, "all who write to be at it", func(context.Context) error {
		if now, _, _ := slow.count(); now < departing {
			return fmt.Errorf("%d are", now)
		}
		return nil
	})
	if n := s.departures.size(); n != users {
		t.Errorf("%d wait, want %d", n, users)
	}
	close(slow.everything)
	allNoted(t, s)
	if _, most, _ := slow.count(); most != departing {
		t.Errorf("%d were noted at a time, want %d", most, departing)
	}
	if n := must(b.Count(t.Context(), layout.People, layout.RowKey(DefaultApp)))(t); n != users {
		t.Errorf("%d users were last seen, want %d", n, users)
	}
}

func TestADepartureIsNotedWhenTheLogIsBack(t *testing.T) {
	s, b := start(t, noLimits)
	tables := &crowded{Tables: b, table: layout.People, everything: make(chan struct{})}
	close(tables.everything)
	tables.down.Store(true)
	s.tables = tables
	s.Left(DefaultApp, "ann")
	wait.For(t, 30*time.Second, "a write that fails", func(context.Context) error {
		if _, _, failed := tables.count(); failed == 0 {
			return errors.New("none yet")
		}
		return nil
	})
	tables.down.Store(false)
	allNoted(t, s)
	row := must(loadRow[personRecord](t.Context(), b, layout.People, personKey(DefaultApp, "ann")))(t)
	if row.value.LastSeen == 0 {
		t.Error("ann was never seen")
	}
}

func TestDeparturesBeyondTheBoundAreCountedAndWhoWaitsIsNotedOnce(t *testing.T) {
	var d departures
	d.init()
	block := make(chan struct{})
	var mu sync.Mutex
	noted := map[departure][]time.Time{}
	note := func(ctx context.Context, one departure, at time.Time) bool {
		<-block
		mu.Lock()
		defer mu.Unlock()
		noted[one] = append(noted[one], at)
		return true
	}
	begin := time.UnixMilli(0)
	for i := range maxDepartures {
		if !d.add(departure{"a", fmt.Sprint(i)}, begin, note) {
			t.Fatalf("user %d is refused", i)
		}
	}
	if d.add(departure{"a", "one more"}, begin, note) {
		t.Error("one more than may wait does")
	}
	last := departure{"a", fmt.Sprint(maxDepartures - 1)}
	if !d.add(last, begin.Add(time.Second), note) {
		t.Error("who waits already is refused")
	}
	close(block)
	if lost := d.close(); lost != 0 {
		t.Errorf("%d were lost", lost)
	}
	if times := noted[last]; len(times) != 1 || !times[0].Equal(begin.Add(time.Second)) {
		t.Errorf("noted at %v", times)
	}
}

func TestAClosedServiceCountsTheDeparturesThatItCouldNotNote(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	s, b := startWith(t, Options{Limits: noLimits, Registerer: registry})
	stuck := &crowded{Tables: b, table: layout.People, everything: make(chan struct{})}
	s.tables = stuck
	for i := range departing + 3 {
		s.Left(DefaultApp, fmt.Sprint("user", i))
	}
	s.Close()
	if lost := testutil.ToFloat64(s.metrics.departuresLost); lost != departing+3 {
		t.Errorf("%v were lost", lost)
	}
	s.Left(DefaultApp, "late")
	if lost := testutil.ToFloat64(s.metrics.departuresLost); lost != departing+4 {
		t.Errorf("%v were lost with one more", lost)
	}
}
