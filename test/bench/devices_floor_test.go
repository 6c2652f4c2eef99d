package bench

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/test/process"
)

const (
	// bareStreams is how many streams a fleet's messages go to by default.
	bareStreams = 32
	// appendsPerChange is how many messages and rows a change of BenchmarkDevices stores, as the sequences of all streams tell.
	appendsPerChange = 1.7
)

// BenchmarkDevicesBare measures the least that the changes of BenchmarkDevices can cost: as many messages are stored by three NATS servers
// as so many changes store, three times each, from three connections, and nobody reads them.
func BenchmarkDevicesBare(b *testing.B) {
	servers := process.StartNATS(b, chatNodes)
	streams := make([]jetstream.JetStream, chatNodes)
	for i := range streams {
		nc, err := nats.Connect(servers.URLs()[i])
		must(b, err)
		b.Cleanup(nc.Close)
		streams[i], err = jetstream.New(nc)
		must(b, err)
	}
	for i := range bareStreams {
		_, err := streams[0].CreateStream(b.Context(), jetstream.StreamConfig{
			Name: fmt.Sprint("bare-", i), Subjects: []string{bareSubject(i)}, Replicas: chatNodes, AllowDirect: true,
		})
		must(b, err)
	}
	storeBare(b, streams, time.Second) // warms up
	var meters []meter
	for _, server := range servers.Servers() {
		m, err := startMeter(server.PID())
		must(b, err)
		meters = append(meters, m)
	}
	times, passed := storeBare(b, streams, size.duration())
	sum := 0.0
	for _, m := range meters {
		sum += perUnit(b, m, int64(len(times)))
	}
	record(b, limit, "device-nats-µs/append", sum)
	record(b, limit, "device-nats-µs/change", sum*appendsPerChange)
	record(b, limit, "device-changes/s", float64(len(times))/passed.Seconds()/appendsPerChange)
	recordPercentiles(b, limit, "device-append", times)
	b.ReportMetric(0, "ns/op")
}

func bareSubject(stream int) string { return fmt.Sprintf("bare.%d", stream) }

// storeBare stores messages at a constant rate, each in the next stream, and returns how long each took from when it was due until it was
// acknowledged, and in what time all were.
func storeBare(b *testing.B, streams []jetstream.JetStream, d time.Duration) (times []time.Duration, passed time.Duration) {
	b.Helper()
	each := time.Duration(float64(time.Second) / (float64(size.Changes) * appendsPerChange))
	text := bytes.Repeat([]byte("x"), size.Text)
	began := time.Now()
	var mu sync.Mutex
	storing, ctx := errgroup.WithContext(b.Context())
	for i := 0; time.Duration(i)*each < d; i++ {
		due := began.Add(time.Duration(i) * each)
		must(b, pause(ctx, time.Until(due)))
		storing.Go(func() error {
			ctx, cancel := context.WithTimeout(ctx, hearLimit)
			defer cancel()
			if _, err := streams[i%len(streams)].Publish(ctx, bareSubject(i%bareStreams), text); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			times = append(times, time.Since(due))
			return nil
		})
	}
	must(b, storing.Wait())
	return times, time.Since(began)
}
