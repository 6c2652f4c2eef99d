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

// peopleTables let as many write to the table of people as come, but nobody on before the gate is open; while they are down nobody can.
type peopleTables struct {
	hindered
	gate chan struct{}
	down atomic.Bool

	mu                sync.Mutex
	now, most, failed int
}

func newPeopleTables() *peopleTables {
	p := &peopleTables{gate: make(chan struct{})}
	p.hinder(p.write)
	return p
}

func (p *peopleTables) write(ctx context.Context, op, table, _ string) error {
	if op != "put" || table != layout.People {
		return nil
	}
	if p.down.Load() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.failed++
		return backbone.ErrUnavailable
	}
	p.come(1)
	defer p.come(-1)
	select {
	case <-p.gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *peopleTables) come(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now += n
	p.most = max(p.most, p.now)
}

func (p *peopleTables) count() (now, most, failed int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now, p.most, p.failed
}

func TestAMassDisconnectIsNotedAFewUsersAtATimeAndOfEveryone(t *testing.T) {
	slow := newPeopleTables()
	s, b := startWith(t, Options{Limits: noLimits, Tables: &slow.hindered})
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
	close(slow.gate)
	allNoted(t, s)
	if _, most, _ := slow.count(); most != departing {
		t.Errorf("%d were noted at a time, want %d", most, departing)
	}
	if n := must(b.Count(t.Context(), layout.People, layout.RowKey(DefaultApp)))(t); n != users {
		t.Errorf("%d users were last seen, want %d", n, users)
	}
}

func TestADepartureIsNotedWhenTheLogIsBack(t *testing.T) {
	tables := newPeopleTables()
	close(tables.gate)
	tables.down.Store(true)
	s, b := startWith(t, Options{Limits: noLimits, Tables: &tables.hindered})
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
	d.most = 100
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
	for i := range d.most {
		if !d.add(departure{"a", fmt.Sprint(i)}, begin, note) {
			t.Fatalf("user %d is refused", i)
		}
	}
	if d.add(departure{"a", "one more"}, begin, note) {
		t.Error("one more than may wait does")
	}
	last := departure{"a", fmt.Sprint(d.most - 1)}
	if !d.add(last, begin.Add(time.Second), note) {
		t.Error("who waits already is refused")
	}
	close(block)
	wait.For(t, 30*time.Second, "all to be noted", func(context.Context) error {
		if n := d.size(); n > 0 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	if lost := d.close(); lost != 0 {
		t.Errorf("%d were lost", lost)
	}
	if times := noted[last]; len(times) != 1 || !times[0].Equal(begin.Add(time.Second)) {
		t.Errorf("noted at %v", times)
	}
}

func TestAClosedServiceCountsTheDeparturesThatItCouldNotNote(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	s, _ := startWith(t, Options{Limits: noLimits, Registerer: registry, Tables: &newPeopleTables().hindered})
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
