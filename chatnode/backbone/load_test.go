package backbone

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// load sends numbered messages from several senders to one feed at a steady rate until it is stopped, and knows which were
// acknowledged.
type load struct {
	mu    sync.Mutex
	acked map[string]uint64 // text → offset
	slow  time.Duration
	stop  func()
}

func startLoad(t *testing.T, b *Backbone, feed Feed, senders int, pause time.Duration) *load {
	l := &load{acked: map[string]uint64{}}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for n := 1; sleep(ctx, pause); n++ {
				text := fmt.Sprintf("%d/%d", s, n)
				began := time.Now()
				r, err := b.Enqueue(feed, Draft{ID: uuid.Must(uuid.NewV7()).String(), Sender: fmt.Sprint(s), Data: []byte(text)}).Wait(context.Background())
				l.mu.Lock()
				l.slow = max(l.slow, time.Since(began))
				if err == nil {
					l.acked[text] = r.Offset
				} else if !errors.Is(err, ErrUnavailable) {
					t.Errorf("send %s: %v", text, err)
				}
				l.mu.Unlock()
			}
		})
	}
	l.stop = func() { cancel(); all.Wait() }
	t.Cleanup(l.stop)
	return l
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// awaitMore waits until that many further messages have been acknowledged.
func (l *load) awaitMore(t *testing.T, more int) {
	t.Helper()
	want := l.count() + more
	deadline, tick := time.After(2*time.Minute), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for l.count() < want {
		select {
		case <-deadline:
			t.Fatalf("%d messages acknowledged, waited for %d", l.count(), want)
		case <-tick.C:
		}
	}
}

// verify stops the load, and checks that every acknowledged message was followed exactly once, in the log's order, and each
// sender's messages in the sender's order.
func (l *load) verify(t *testing.T, r *recorder) {
	t.Helper()
	l.stop()
	r.await(t, "everything acknowledged", func() bool {
		got := map[string]bool{}
		for _, m := range r.messages {
			got[string(m.Data)] = true
		}
		for text := range l.acked {
			if !got[text] {
				return false
			}
		}
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	last, seen, newest := uint64(0), map[string]bool{}, map[int]int{}
	for _, m := range r.messages {
		var sender, n int
		if _, err := fmt.Sscanf(string(m.Data), "%d/%d", &sender, &n); err != nil {
			t.Fatal(err)
		}
		switch {
		case m.Offset <= last:
			t.Fatalf("offset %d came after %d", m.Offset, last)
		case seen[string(m.Data)]:
			t.Fatalf("%s came twice", m.Data)
		case n <= newest[sender]:
			t.Fatalf("%s overtook message %d of its sender", m.Data, newest[sender])
		case l.acked[string(m.Data)] != 0 && l.acked[string(m.Data)] != m.Offset:
			t.Fatalf("%s was acknowledged at %d and came at %d", m.Data, l.acked[string(m.Data)], m.Offset)
		}
		last, newest[sender] = m.Offset, n
		seen[string(m.Data)] = true
	}
	t.Logf("%d messages acknowledged, the slowest after %v; %d followed", len(l.acked), l.slow.Round(time.Millisecond), len(r.messages))
}
