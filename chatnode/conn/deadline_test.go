package conn

import (
	"sync"
	"testing"
	"time"
)

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestPulsesComeOnceInAnInterval(t *testing.T) {
	hand := &clock{now: time.Unix(1000, 0)}
	n := startNode(t, Options{Now: hand.Now}, nil)
	var all []*events
	for range 20 {
		_, e := n.dial(nil, nil)
		n.onWheel(e)
		all = append(all, e)
	}
	for range 4 {
		hand.advance(25 * time.Second)
		for _, e := range all {
			next(t, e.pulses, "Pulse")
		}
		for _, e := range all {
			if len(e.pulses) > 0 {
				t.Fatal("a second pulse in an interval")
			}
		}
	}
}

func TestPulsesOfManyConnectionsAreSpread(t *testing.T) {
	hand := &clock{now: time.Unix(1000, 0)}
	n := startNode(t, Options{Now: hand.Now}, nil)
	var all []*events
	for range 40 {
		_, e := n.dial(nil, nil)
		n.onWheel(e)
		all = append(all, e)
	}
	// The last event of the time that passes.
	all[0].conn.After(12500*time.Millisecond, 0)
	hand.advance(12700 * time.Millisecond)
	next(t, all[0].deadlines, "Deadline")
	// It may come with an earlier pulse of the same connection; the next turn of the wheel comes behind all of this one.
	all[0].conn.After(0, 0)
	hand.advance(200 * time.Millisecond)
	next(t, all[0].deadlines, "Deadline")
	pulsed := 0
	for _, e := range all {
		pulsed += len(e.pulses)
	}
	// In 40 throws of a coin there are fewer than 5 heads, or tails, once in ten million times.
	if pulsed < 5 || pulsed > 35 {
		t.Fatalf("%d of %d pulses in half an interval", pulsed, len(all))
	}
}

func TestDeadlines(t *testing.T) {
	hand := &clock{now: time.Unix(1000, 0)}
	n := startNode(t, Options{Now: hand.Now, PingInterval: 1000 * time.Hour}, nil)
	_, e := n.dial(nil, nil)
	c := e.conn
	c.After(time.Minute, 0)
	c.After(10*time.Second, 1)
	c.After(10*time.Second, 2)
	c.Cancel(2)
	c.After(10*time.Second, 3)
	c.After(40*time.Second, 3)
	wantDeadlines := func(after time.Duration, kinds ...int) {
		t.Helper()
		hand.advance(after)
		for _, kind := range kinds {
			if got := next(t, e.deadlines, "Deadline"); got != kind {
				t.Fatalf("deadline %d, want %d", got, kind)
			}
		}
	}
	wantDeadlines(9900 * time.Millisecond)
	wantDeadlines(200*time.Millisecond, 1)
	wantDeadlines(31*time.Second, 3)
	wantDeadlines(time.Minute, 0)
	c.After(-time.Hour, 2)
	wantDeadlines(200*time.Millisecond, 2)
	c.After(1<<62, 2)
	c.After(time.Hour, 1)
	wantDeadlines(time.Hour+time.Second, 1)
	if len(e.deadlines) > 0 {
		t.Fatalf("deadline %d came too", <-e.deadlines)
	}
}

func TestDeadlineCancelledInACallOfTheHandlerDoesNotCome(t *testing.T) {
	n := startNode(t, Options{}, nil)
	ready, fire := make(chan struct{}), make(chan struct{})
	n.prepare = func(e *events) {
		e.onFrame = func(c *Conn, _ []byte) {
			c.After(0, 0)
			close(ready)
			<-fire
			c.Cancel(0)
		}
	}
	client, e := n.dial(nil, nil)
	if err := client.WriteMessage(1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	next(t, ready, "frame")
	eventually(t, "noted deadline", func() bool { return e.conn.events.Load()&eventDeadline != 0 })
	close(fire)
	e.conn.After(0, 1)
	if got := next(t, e.deadlines, "Deadline"); got != 1 {
		t.Fatalf("deadline %d", got)
	}
}

func TestDeadlineCancelledWhenItHasJustFallenDueDoesNotCome(t *testing.T) {
	hand := &clock{now: time.Unix(1000, 0)} // stands still, so the test turns the wheel
	n := startNode(t, Options{Now: hand.Now, PingInterval: 1000 * time.Hour}, nil)
	n.prepare = func(e *events) {
		e.onFrame = func(c *Conn, payload []byte) {
			c.Cancel(0)
			c.After(time.Minute, 1)
			c.Write(WSText.Append(nil, payload))
		}
	}
	client, e := n.dial(nil, nil)
	n.onWheel(e)
	e.conn.After(0, 0)
	e.conn.After(0, 1)
	e.conn.After(0, 2)
	due := n.wheel.advance(10, nil)
	say(t, client, "cancel")
	for _, c := range due {
		c.deliver()
	}
	if got := next(t, e.deadlines, "Deadline"); got != 2 || len(e.deadlines) > 0 {
		t.Fatalf("deadline %d and %d others", got, len(e.deadlines))
	}
}
