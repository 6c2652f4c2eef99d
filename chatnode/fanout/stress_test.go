package fanout

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestEverythingAtOnce lets many goroutines append, subscribe, drain and leave at the same time.
func TestEverythingAtOnce(t *testing.T) {
	inBubble(t, Options{RingBytes: 8 << 10, AllRingsBytes: 12 << 10, MaxReads: 3}, func(t *testing.T, log *testLog, h *Hub) {
		const messages, clients = 3000, 40
		feeds := []string{"a", "b"}
		var all sync.WaitGroup
		var done atomic.Bool
		all.Go(func() {
			defer done.Store(true)
			for range messages {
				runtime.Gosched()
				for _, name := range feeds {
					feed := lobby
					feed.Name = name
					appendMany(log, feed, 1, rand.IntN(400))
				}
			}
		})
		for i := range clients {
			all.Go(func() {
				feed := lobby
				feed.Name = feeds[i%2]
				read := uint64(0) // the client's position over all its lives
				for lives := 0; lives < 5 || !done.Load(); lives++ {
					m := &testMember{limit: []int{300, 20_000, unlimited}[i%3], encoder: testEncoder{[]string{"json", "protobuf"}[i%2]}}
					req := Request{Since: at(read), Info: infoOf("ann", "1"), JoinLeave: i%5 == 0}
					sub, result, err := h.Subscribe(context.Background(), feed, req, m)
					if err != nil {
						t.Error(err)
						return
					}
					m.sub = sub
					if !result.Recovered {
						read = result.Head.Offset
					}
					seen := offsetsOf(result.Messages)
					sub.Start()
					for range rand.IntN(40) {
						m.drain()
						runtime.Gosched()
					}
					_ = h.Signal(feed, []byte("typing"))
					sub.Close()
					seen = append(seen, m.offsets()...)
					if want := span(read+1, read+uint64(len(seen))); !slices.Equal(seen, want) {
						t.Errorf("behind %d came %v", read, brief(seen))
						return
					}
					read += uint64(len(seen))
				}
			})
		}
		all.Wait()
		t.Logf("%d deliveries, %d reads, %d ephemeral events dropped", h.counts.deliveries.Load(), h.counts.reads.Load(), h.counts.dropped.Load())
		pass(housekeeping)
		if h.counts.members.Load() != 0 || h.counts.behind.Load() != 0 {
			t.Errorf("%d members, %d behind", h.counts.members.Load(), h.counts.behind.Load())
		}
		if total := h.rings.total.Load(); total > 12<<10 {
			t.Errorf("rings take %d bytes", total)
		}
	})
}
