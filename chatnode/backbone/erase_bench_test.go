package backbone

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// fillStream stores so many messages of 350 bytes.
func fillStream(b *testing.B, log *Backbone, feed Feed, messages int) {
	var work errgroup.Group
	work.SetLimit(500)
	for i := range messages {
		d := Draft{ID: fmt.Sprint(i), Sender: fmt.Sprint(i), Data: []byte(strings.Repeat("x", 350))}
		work.Go(func() error {
			_, err := log.Enqueue(feed, d).Wait(b.Context())
			return err
		})
	}
	if err := work.Wait(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkErase erases one message of a hundred of a full block of a stream, so many at a time, and prints how long somebody else waits for an
// answer of the log and for a message to be stored in another stream meanwhile.
func BenchmarkErase(b *testing.B) {
	const messages, every = 16_000, 100
	for _, atOnce := range []int{1, 6} {
		b.Run(fmt.Sprint(atOnce, " at once"), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				log := openWith(b, Options{DataDir: b.TempDir(), Shards: 16})
				full, other := room("full"), room("other")
				for log.layout.ShardOf(other) == log.layout.ShardOf(full) {
					other.Name += "+"
				}
				fillStream(b, log, full, messages)
				kept, err := log.Enqueue(other, Draft{ID: "kept", Sender: "ann", Data: []byte("{}")}).Wait(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				ctx, cancel := context.WithCancel(b.Context())
				var asked, stored []time.Duration
				var others errgroup.Group
				others.Go(func() error {
					for i := 0; ctx.Err() == nil; i++ {
						start := time.Now()
						if _, err := log.fetchFromLeader(b.Context(), log.layout.ShardOf(other), kept.Offset, false); err != nil {
							return err
						}
						asked = append(asked, time.Since(start))
						start = time.Now()
						if _, err := log.Enqueue(other, Draft{ID: fmt.Sprint(i), Sender: "ann", Data: []byte("{}")}).Wait(b.Context()); err != nil {
							return err
						}
						stored = append(stored, time.Since(start))
						sleep(ctx, 5*time.Millisecond)
					}
					return nil
				})
				b.StartTimer()
				start := time.Now()
				var work errgroup.Group
				work.SetLimit(atOnce)
				for offset := uint64(every); offset <= messages; offset += every {
					work.Go(func() error { return log.Erase(b.Context(), full, offset) })
				}
				err = work.Wait()
				took := time.Since(start)
				b.StopTimer()
				cancel()
				for _, err := range []error{err, others.Wait()} {
					if err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(took.Milliseconds())*every/messages, "ms/message")
				for what, times := range map[string][]time.Duration{"answer": asked, "store": stored} {
					slices.Sort(times)
					b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms-"+what+"-p50")
					b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "ms-"+what+"-p99")
				}
				b.StartTimer()
			}
		})
	}
}
