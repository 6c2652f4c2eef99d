package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	// ahead is how many messages each sender keeps on their way, so that messages always wait, and not too many.
	ahead      = 8
	steadyRate = 20 // messages a second
	busyBuffer = 16 << 10
	theRoom    = "bench"
)

// BenchmarkFanout measures deliveries to all members of one large room.
func BenchmarkFanout(b *testing.B) {
	b.Run("waiting", func(b *testing.B) { each(b, measureWaiting) })
	b.Run("steady", func(b *testing.B) { each(b, measureSteady) })
}

// flood is senders who send as fast as their own messages come back to them.
type flood struct {
	sent atomic.Int64
	stop atomic.Bool
	err  atomic.Pointer[error]
	// room is a place for each message that may be on its way, by sender.
	room [senderCount]chan struct{}
}

// measureWaiting has the fan-out do all that it can.
func measureWaiting(b *testing.B, s *server) {
	f := &flood{}
	for i := range f.room {
		f.room[i] = make(chan struct{}, ahead)
	}
	members := gather(b, s, size.Members, func(i int) plan {
		p := plan{name: fmt.Sprintf("member-%d", i), room: theRoom, buffer: busyBuffer}
		if i < senderCount {
			p.heard = func(_ *member, seq int) {
				if seq%senderCount == i {
					<-f.room[i]
				}
			}
		}
		return p
	})
	m, err := startMeter(s.pid)
	must(b, err)
	began := time.Now()
	end := time.AfterFunc(size.duration(), func() { f.stop.Store(true) })
	defer end.Stop()
	var all sync.WaitGroup
	for i := range senderCount {
		all.Go(func() { f.send(b, members[i], i) })
	}
	all.Wait()
	if err := f.err.Load(); err != nil {
		b.Fatal(*err)
	}
	must(b, members.hear(b.Context(), int(f.sent.Load())))
	passed := time.Since(began)
	deliveries := f.sent.Load() * int64(len(members))
	record(b, s.system, "waiting-µs/delivery", perUnit(b, m, deliveries))
	record(b, s.system, "waiting-deliveries/s", float64(deliveries)/passed.Seconds())
}

// send is sender i, whose messages are numbered i, i + senderCount and so on.
func (f *flood) send(b *testing.B, m *member, i int) {
	for seq := i; !f.stop.Load(); seq += senderCount {
		select {
		case f.room[i] <- struct{}{}:
		case <-m.ended:
			f.err.Store(&m.err)
			return
		case <-b.Context().Done():
			return
		}
		f.sent.Add(1)
		if err := m.send(theRoom, seq, size.Text); err != nil {
			f.err.Store(&err)
			return
		}
	}
}

// measureSteady gives the fan-out one message at a time.
func measureSteady(b *testing.B, s *server) {
	members := gather(b, s, size.Members, func(i int) plan {
		return plan{name: fmt.Sprintf("member-%d", i), room: theRoom, buffer: busyBuffer}
	})
	messages := steadyRate * size.Seconds
	m, err := startMeter(s.pid)
	must(b, err)
	began := time.Now()
	for seq := range messages {
		due := began.Add(time.Duration(seq) * time.Second / steadyRate)
		must(b, pause(b.Context(), time.Until(due)))
		must(b, members[seq%senderCount].send(theRoom, seq, size.Text))
	}
	must(b, members.hear(b.Context(), messages))
	record(b, s.system, "steady-µs/delivery", perUnit(b, m, int64(messages*len(members))))
}
