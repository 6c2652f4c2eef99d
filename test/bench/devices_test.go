package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/test/process"
)

// chatNodes is how many nodes, and as many NATS servers, a fleet has.
const chatNodes = 3

// BenchmarkDevices measures how long it takes until what a user changes on one device is on the other: three nodes, three NATS servers, two
// devices of each user on different nodes, and so many changes a second of all users together. Times count from the call of a change.
func BenchmarkDevices(b *testing.B) {
	servers, nodes, signer := startFleet(b)
	owners := make([]*owner, size.Users)
	var connecting errgroup.Group
	connecting.SetLimit(dialers)
	for i := range owners {
		owners[i] = newOwner(i)
		connecting.Go(func() error {
			token, err := signer.Token(owners[i].name, time.Hour)
			if err != nil {
				return err
			}
			return owners[i].enter(b.Context(), token, nodes[i%chatNodes].URL(), nodes[(i+1)%chatNodes].URL())
		})
	}
	b.Cleanup(func() {
		for _, o := range owners {
			o.leave()
		}
	})
	must(b, connecting.Wait())
	changeAll(b, owners, time.Second) // warms up
	for _, o := range owners {
		o.times = map[string][]time.Duration{}
	}
	var meters [2][]meter
	for i := range chatNodes {
		for kind, pid := range []int{nodes[i].PID(), servers.Server(i).PID()} {
			m, err := startMeter(pid)
			must(b, err)
			meters[kind] = append(meters[kind], m)
		}
	}
	changes, passed := changeAll(b, owners, size.duration())
	record(b, ours, "device-changes/s", float64(changes)/passed.Seconds())
	for kind, key := range []string{"device-node-µs/change", "device-nats-µs/change"} {
		sum := 0.0
		for _, m := range meters[kind] {
			sum += perUnit(b, m, changes)
		}
		record(b, ours, key, sum)
	}
	reportDevices(b, owners)
	b.ReportMetric(0, "ns/op")
}

// startFleet starts NATS servers and nodes on them, without limits on rates.
func startFleet(b *testing.B) (*process.NATSCluster, []*process.Chatnode, *auth.Development) {
	b.Helper()
	secret := []byte(strings.Repeat("devices.", 8))
	file := filepath.Join(b.TempDir(), "secret")
	must(b, os.WriteFile(file, secret, 0o600))
	signer, err := auth.NewDevelopment(auth.DevelopmentOptions{Secret: secret})
	must(b, err)
	servers := process.StartNATS(b, chatNodes)
	nodes := make([]*process.Chatnode, chatNodes)
	for i := range nodes {
		nodes[i] = process.StartChatnode(b, process.ChatnodeOptions{
			Name: fmt.Sprintf("node-%d", i+1), NATSURL: servers.URL(), Flags: []string{
				"--jwt-hmac-secret-file", file, "--replicas", fmt.Sprint(chatNodes), "--explicit-rooms", "--messages-per-second", "0", "--commands-per-second", "1000000",
			},
		})
	}
	return servers, nodes, signer
}

// changeAll has all owners change things for so long, each in its turn, and returns when every change is on the other device, with their
// number and the time in which they were begun.
func changeAll(b *testing.B, owners []*owner, d time.Duration) (changes int64, passed time.Duration) {
	b.Helper()
	each := time.Duration(len(owners)) * time.Second / time.Duration(size.Changes)
	began := time.Now()
	var mu sync.Mutex
	changing, ctx := errgroup.WithContext(b.Context())
	for i, o := range owners {
		changing.Go(func() error {
			due := began.Add(each * time.Duration(i) / time.Duration(len(owners)))
			n := int64(0)
			for ; due.Before(began.Add(d)); due = due.Add(each) {
				if err := pause(ctx, time.Until(due)); err != nil {
					return err
				}
				if err := o.change(ctx); err != nil {
					return fmt.Errorf("%s: %w", o.name, err)
				}
				n++
			}
			mu.Lock()
			changes += n
			mu.Unlock()
			return nil
		})
	}
	must(b, changing.Wait())
	passed = time.Since(began)
	ctx, cancel := context.WithTimeout(b.Context(), hearLimit)
	defer cancel()
	for _, o := range owners {
		must(b, o.settled(ctx))
	}
	return changes, passed
}

// reportDevices gives the times over all changes, and says those of each kind.
func reportDevices(b *testing.B, owners []*owner) {
	b.Helper()
	byKind := map[string][]time.Duration{}
	var all []time.Duration
	moot := 0
	for _, o := range owners {
		moot += o.moot
		for kind, times := range o.times {
			byKind[kind] = append(byKind[kind], times...)
			all = append(all, times...)
		}
	}
	recordPercentiles(b, ours, "device", all)
	for _, kind := range slices.Compact(slices.Sorted(slices.Values(turns))) {
		times := byKind[kind]
		slices.Sort(times)
		b.Logf("%6d × %-6s p50 %6.1f ms, p99 %6.1f ms", len(times), kind, float64(percentile(times, 50).Microseconds())/1000,
			float64(percentile(times, 99).Microseconds())/1000)
	}
	b.Logf("%6d marks are not counted: what was to be read had just been deleted, or the mark ended before it", moot)
}
