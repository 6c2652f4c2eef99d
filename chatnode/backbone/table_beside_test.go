package backbone

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// BenchmarkSendBesideTables sends 200 messages a second while tables are read all the time, and gives how long it took from when a message
// was due until it was acknowledged.
func BenchmarkSendBesideTables(b *testing.B) {
	const messages, every = 1000, 5 * time.Millisecond
	n := openEmbedded(b, b.TempDir())
	page, large := layout.RowKey("default", "page"), layout.RowKey("default", "large")
	fill(b, n, layout.Members, page, 1000)
	fill(b, n, layout.Members, large, 10_000)
	list := func(prefix string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, _, err := n.List(ctx, layout.Members, prefix, 0, 1000)
			return err
		}
	}
	for _, beside := range []struct {
		name string
		read func(context.Context) error
	}{
		{"nothing", nil},
		{"lists of 1000", list(page)},
		{"pages of 10000", list(large)},
		{"counts of 10000", func(ctx context.Context) error {
			_, err := n.Count(ctx, layout.Members, large)
			return err
		}},
	} {
		b.Run(beside.name, func(b *testing.B) {
			reads := 0
			ctx, stop := context.WithCancel(b.Context())
			var reading sync.WaitGroup
			if beside.read != nil {
				reading.Go(func() {
					for ; ctx.Err() == nil; reads++ {
						if err := beside.read(ctx); err != nil && ctx.Err() == nil {
							b.Error(err)
						}
					}
				})
			}
			began := time.Now()
			times := paced(b, n, messages*b.N, every)
			stop()
			reading.Wait()
			slices.Sort(times)
			for _, percent := range []int{50, 99} {
				b.ReportMetric(float64(times[(len(times)-1)*percent/100].Microseconds())/1000, "p"+strconv.Itoa(percent)+"-ms")
			}
			b.ReportMetric(float64(reads)/time.Since(began).Seconds(), "reads/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// paced sends messages at a steady rate, and gives how long after it was due each was acknowledged.
func paced(b *testing.B, n *Backbone, messages int, every time.Duration) []time.Duration {
	b.Helper()
	times := make([]time.Duration, messages)
	var waiting sync.WaitGroup
	began := time.Now()
	for i := range messages {
		due := began.Add(time.Duration(i) * every)
		sleep(b.Context(), time.Until(due))
		sent := n.Enqueue(room("a"), Draft{ID: uuid.Must(uuid.NewV7()).String(), Sender: "ann", Data: []byte("a message")})
		waiting.Go(func() {
			if _, err := sent.Wait(b.Context()); err != nil {
				b.Error(err)
			}
			times[i] = time.Since(due)
		})
	}
	waiting.Wait()
	return times
}
