package bench

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkLatency measures how long a message takes at a moderate rate: until it is acknowledged, and until the last member of
// its room has it. Times count from when a message was due, so a server that holds up its senders gains nothing by it.
func BenchmarkLatency(b *testing.B) { each(b, measureLatency) }

// journey is one message's, in nanoseconds.
type journey struct {
	due       atomic.Int64 // after the benchmark's beginning
	ack, last atomic.Int64 // after due
	heard     atomic.Int32 // by so many members
}

func measureLatency(b *testing.B, s *server) {
	// The first second warms up.
	warm, messages := size.Rate, size.Rate*(1+2*size.Seconds)
	journeys := make([]journey, messages)
	base := time.Now()
	since := func(j *journey) int64 { return int64(time.Since(base)) - j.due.Load() }
	members := gather(b, s, size.Latency, func(i int) plan {
		return plan{
			name: fmt.Sprintf("member-%d", i), room: theRoom, buffer: busyBuffer,
			answered: func(_ *member, id int) {
				j := &journeys[id-firstID]
				j.ack.Store(since(j))
			},
			heard: func(_ *member, seq int) {
				j := &journeys[seq]
				if j.heard.Add(1) == int32(size.Latency) {
					j.last.Store(since(j))
				}
			},
		}
	})
	m, err := startMeter(s.pid)
	must(b, err)
	began := time.Now()
	for seq := range journeys {
		due := began.Add(time.Duration(seq) * time.Second / time.Duration(size.Rate))
		journeys[seq].due.Store(int64(due.Sub(base)))
		must(b, pause(b.Context(), time.Until(due)))
		must(b, members[seq%latencySenders].send(theRoom, seq, size.Text))
	}
	must(b, members.hear(b.Context(), messages))
	record(b, s.system, "room-µs/message", perUnit(b, m, int64(messages)))
	var acks, lasts []time.Duration
	for i := range journeys[warm:] {
		j := &journeys[warm+i]
		if j.ack.Load() == 0 {
			b.Fatalf("%s did not acknowledge message %d", s.system, warm+i)
		}
		acks = append(acks, time.Duration(j.ack.Load()))
		lasts = append(lasts, time.Duration(j.last.Load()))
	}
	recordPercentiles(b, s.system, "ack", acks)
	recordPercentiles(b, s.system, "last", lasts)
}

func recordPercentiles(b *testing.B, system, of string, times []time.Duration) {
	slices.Sort(times)
	for _, percent := range []int{50, 99} {
		value := percentile(times, percent)
		record(b, system, fmt.Sprintf("%s-p%d-ms", of, percent), float64(value.Microseconds())/1000)
	}
}

// BenchmarkThroughput measures acknowledged messages: each of many senders, in a room of its own, sends the next message when the
// last one is acknowledged. Nobody listens.
func BenchmarkThroughput(b *testing.B) { each(b, measureThroughput) }

func measureThroughput(b *testing.B, s *server) {
	var acknowledged atomic.Int64
	var stop atomic.Bool
	defer stop.Store(true)
	room := func(i int) string { return fmt.Sprintf("room-%d", i) }
	members := gather(b, s, size.Senders, func(i int) plan {
		return plan{name: fmt.Sprintf("sender-%d", i), buffer: busyBuffer, answered: func(m *member, id int) {
			acknowledged.Add(1)
			if !stop.Load() {
				_ = m.send(room(i), id-firstID+1, size.Text) // reading fails too, which is checked
			}
		}}
	})
	for i, m := range members {
		must(b, m.send(room(i), 0, size.Text))
	}
	must(b, pause(b.Context(), time.Second)) // warms up
	meter, err := startMeter(s.pid)
	must(b, err)
	before := acknowledged.Load()
	must(b, pause(b.Context(), size.duration()))
	_, passed, err := meter.read()
	must(b, err)
	done := acknowledged.Load() - before
	must(b, members.check())
	record(b, s.system, "messages/s", float64(done)/passed.Seconds())
	record(b, s.system, "µs/message", perUnit(b, meter, done))
}
