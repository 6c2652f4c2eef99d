package fanout

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// openHub gives a hub on a real, embedded log.
func openHub(t *testing.T, o Options) (*backbone.Backbone, *Hub) {
	b, err := backbone.Open(t.Context(), backbone.Options{DataDir: t.TempDir(), Name: "alone", Prefix: "test", Shards: 2, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	h := New(b, o)
	t.Cleanup(func() {
		h.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, h
}

// await waits until the condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(5 * time.Minute)
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// whole reads a feed from the log.
func whole(t *testing.T, b *backbone.Backbone, feed backbone.Feed) (all []uint64) {
	for {
		from := uint64(0)
		if n := len(all); n > 0 {
			from = all[n-1]
		}
		page, err := b.After(t.Context(), feed, from, 500)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, offsetsOf(page.Messages)...)
		if !page.More {
			return all
		}
	}
}

func TestOnARealLogEverybodyGetsEverythingInOrder(t *testing.T) {
	const senders, each = 10, 150
	b, h := openHub(t, Options{RingBytes: 16 << 10})
	var members []*testMember
	for _, limit := range []int{unlimited, 100_000, 2000, 500} {
		m := &testMember{limit: limit}
		subscribe(t, h, lobby, Request{}, m)
		m.sub.Start()
		members = append(members, m)
	}
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				sender := fmt.Sprint("user", s)
				draft := backbone.Draft{ID: fmt.Sprint(i), Sender: sender, Data: fmt.Appendf(nil, "%0*d", 10+i, i)}
				if _, err := b.Enqueue(lobby, draft).Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	want := whole(t, b, lobby)
	if len(want) != senders*each {
		t.Fatalf("the log has %d messages", len(want))
	}
	for _, m := range members {
		await(t, "all messages", func() bool { return len(m.offsets()) >= len(want) })
		wantOffsets(t, fmt.Sprintf("queue of %d bytes", m.limit), m.offsets(), want)
	}
	back := len(want) - 600
	epoch := h.rooms[lobby].epoch
	for range 50 {
		all.Go(func() {
			m := &testMember{limit: 10_000}
			since := backbone.Position{Epoch: epoch, Offset: want[back-1]}
			result := subscribe(t, h, lobby, Request{Since: &since, MaxBytes: 20_000}, m)
			if !result.Recovered || len(result.Messages) == 0 {
				t.Errorf("recovered %t", result.Recovered)
			}
			m.sub.Start()
			seen := func() []uint64 { return append(offsetsOf(result.Messages), m.offsets()...) }
			await(t, "the rest", func() bool { return len(seen()) >= 600 })
			if got := seen(); !slices.Equal(got, want[back:]) {
				t.Errorf("after resuming came %v", brief(got))
			}
			m.sub.Close()
		})
	}
	all.Wait()
	t.Logf("%d reads", h.counts.reads.Load())
}

func TestOnARealLogSignalsAndPresenceArrive(t *testing.T) {
	b, h := openHub(t, Options{})
	asks := &testMember{limit: unlimited}
	subscribe(t, h, lobby, Request{JoinLeave: true}, asks)
	asks.sub.Start()
	m := &testMember{limit: unlimited}
	subscribe(t, h, lobby, Request{Info: infoOf("ann", "1")}, m)
	m.sub.Start()
	if err := h.Signal(lobby, []byte("typing")); err != nil {
		t.Fatal(err)
	}
	await(t, "join and signal", func() bool {
		return slices.Equal(asks.lines(), []string{"J - " + string(infoOf("ann", "1")), "S - typing"})
	})
	stored := func(want int) bool {
		summaries, err := b.Presence(context.Background(), lobby)
		return err == nil && len(summaries) == want
	}
	await(t, "a summary", func() bool { return stored(1) })
	m.sub.Close()
	await(t, "the summary's end", func() bool { return stored(0) })
}
