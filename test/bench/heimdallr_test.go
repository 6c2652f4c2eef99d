package bench

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// crowds are the rooms of heimdallr's own comparison with socket.io: so many members, of whom so many send.
var crowds = []struct{ members, senders int }{{10, 1}, {100, 5}, {1000, 10}, {1000, 50}, {1000, 100}}

// BenchmarkHeimdallr measures what heimdallr published of itself beside socket.io: how long a message takes to each member of a room when all
// senders send one at once, and the next round begins when everybody has all of the last one.
func BenchmarkHeimdallr(b *testing.B) {
	for _, c := range crowds {
		b.Run(fmt.Sprintf("%d/%d", c.members, c.senders), func(b *testing.B) {
			for _, system := range []system{{ours, startHeimdallr}, {peer, startSocketIO}} {
				b.Run(system.name, func(b *testing.B) {
					measureRounds(b, system.start(b), c.members, c.senders)
					b.ReportMetric(0, "ns/op") // leaves the line without it
				})
			}
		})
	}
}

// startHeimdallr starts a chat node, with its log embedded, that is spoken to as heimdallr is.
func startHeimdallr(tb testing.TB) *server {
	tb.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", process.ReservePort(tb))
	node := process.StartChatnode(tb, process.ChatnodeOptions{Flags: []string{"--heimdallr-listen", address}})
	return &server{system: ours, address: address, pid: node.PID(), dialect: heimdallr{}}
}

// mostRounds bounds the memory of the times, and warmRounds are not counted.
const (
	mostRounds = 10_000
	warmRounds = 5
)

// rounds are messages that are sent all at once, again and again.
type rounds struct {
	members, senders int
	base             time.Time
	due              []atomic.Int64 // of each message, after base
	missing          atomic.Int64   // deliveries of this round
	done             chan struct{}
	times            [][]time.Duration // of deliveries, by member
}

// heard is a delivery to a member.
func (r *rounds) heard(i, seq int) {
	if seq >= warmRounds*r.senders {
		r.times[i] = append(r.times[i], time.Since(r.base)-time.Duration(r.due[seq].Load()))
	}
	if r.missing.Add(-1) == 0 {
		r.done <- struct{}{}
	}
}

// play sends one round and waits until everybody has it.
func (r *rounds) play(b *testing.B, members crowd, round int) {
	r.missing.Store(int64(r.members * r.senders))
	for i := range r.senders {
		seq := round*r.senders + i
		r.due[seq].Store(int64(time.Since(r.base)))
		must(b, members[i].send(theRoom, seq, size.Text))
	}
	limit := time.NewTimer(hearLimit)
	defer limit.Stop()
	select {
	case <-r.done:
	case <-limit.C:
		b.Fatalf("%d deliveries are missing: %v", r.missing.Load(), members.check())
	}
}

func measureRounds(b *testing.B, s *server, count, senders int) {
	r := &rounds{
		members: count, senders: senders, base: time.Now(), due: make([]atomic.Int64, mostRounds*senders), done: make(chan struct{}, 1),
		times: make([][]time.Duration, count),
	}
	room := theRoom
	if s.system == ours {
		room = "" // the path has joined it
	}
	members := gather(b, s, count, func(i int) plan {
		return plan{room: room, buffer: busyBuffer, heard: func(_ *member, seq int) { r.heard(i, seq) }}
	})
	round := 0
	for ; round < warmRounds; round++ {
		r.play(b, members, round)
	}
	m, err := startMeter(s.pid)
	must(b, err)
	for began := time.Now(); time.Since(began) < size.duration() && round < mostRounds; round++ {
		r.play(b, members, round)
	}
	cpu := perUnit(b, m, int64((round-warmRounds)*senders*count))
	times := slices.Concat(r.times...)
	slices.Sort(times)
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	of := fmt.Sprintf("heimdallr-%d/%d", count, senders)
	record(b, s.system, of+"-mean-ms", float64((sum/time.Duration(len(times))).Microseconds())/1000)
	recordPercentiles(b, s.system, of, times)
	record(b, s.system, of+"-µs/delivery", cpu)
}
