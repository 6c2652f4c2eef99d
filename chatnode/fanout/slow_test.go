package fanout

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// drainAll reads what comes to m until nothing comes any more.
func drainAll(m *testMember) {
	for synctest.Wait(); m.drain(); synctest.Wait() {
	}
}

func TestSlowReaderGetsEverythingFromTheLogInBoundedPages(t *testing.T) {
	inBubble(t, Options{RingBytes: 32 << 10}, func(t *testing.T, log *testLog, h *Hub) {
		const queue = 256 << 10
		slow, quick := &testMember{limit: queue}, &testMember{limit: unlimited}
		for _, m := range []*testMember{slow, quick} {
			subscribe(t, h, lobby, Request{}, m)
			m.sub.Start()
		}
		for range 100 {
			appendMany(log, lobby, 100, 500)
			synctest.Wait()
		}
		wantOffsets(t, "quick", quick.offsets(), span(1, 10_000))
		if got := h.counts.behind.Load(); got != 1 {
			t.Errorf("%d members behind", got)
		}
		if log.reads.Load() != 0 {
			t.Error("the log was read for a member whose queue is full")
		}
		largest := 0
		for synctest.Wait(); ; synctest.Wait() {
			slow.mu.Lock()
			largest = max(largest, slow.bytes)
			slow.mu.Unlock()
			if !slow.drain() {
				break
			}
		}
		wantOffsets(t, "slow", slow.offsets(), span(1, 10_000))
		if largest > queue || h.counts.behind.Load() != 0 {
			t.Errorf("queue of %d bytes, %d behind", largest, h.counts.behind.Load())
		}
		t.Logf("%d reads for 10,000 messages, 6 MB", log.reads.Load())
		appendMany(log, lobby, 1, 10)
		synctest.Wait()
		wantOffsets(t, "live again", slow.offsets()[10_000:], span(10_001, 10_001))
	})
}

func TestReadsThatFailAreTriedAgain(t *testing.T) {
	inBubble(t, Options{RingBytes: 1000}, func(t *testing.T, log *testLog, h *Hub) {
		m := &testMember{limit: 1000}
		subscribe(t, h, lobby, Request{}, m)
		m.sub.Start()
		for range 50 {
			appendMany(log, lobby, 1, 500)
			synctest.Wait()
		}
		log.set(&log.failing, true)
		drainAll(m)
		pass(10 * time.Second)
		log.set(&log.failing, false)
		pass(time.Second)
		drainAll(m)
		wantOffsets(t, "after the failure", m.offsets(), span(1, 50))
	})
}

func TestReaderThatTheLogNoLongerReachesIsReset(t *testing.T) {
	inBubble(t, Options{RingBytes: 1000, Linger: time.Second}, func(t *testing.T, log *testLog, h *Hub) {
		m := &testMember{limit: 1000}
		subscribe(t, h, lobby, Request{}, m)
		m.sub.Start()
		for range 50 {
			appendMany(log, lobby, 1, 500)
			synctest.Wait()
		}
		log.discard(lobby, 30)
		drainAll(m)
		if !m.wasReset() || len(m.offsets()) > 30 {
			t.Errorf("reset %t after %d messages", m.wasReset(), len(m.offsets()))
		}
		pass(3 * time.Second)
		if h.Rooms() != 0 {
			t.Error("its room is still there")
		}
	})
}

func TestManySlowReadersShareFewReads(t *testing.T) {
	inBubble(t, Options{RingBytes: 1000, MaxReads: 4}, func(t *testing.T, log *testLog, h *Hub) {
		members := make([]*testMember, 150)
		for i := range members {
			members[i] = &testMember{limit: 50_000}
			subscribe(t, h, lobby, Request{}, members[i])
			members[i].sub.Start()
		}
		for range 100 {
			appendMany(log, lobby, 10, 500)
			synctest.Wait()
		}
		for busy := true; busy; synctest.Wait() {
			busy = false
			for _, m := range members {
				busy = m.drain() || busy
			}
		}
		for _, m := range members {
			wantOffsets(t, "slow", m.offsets(), span(1, 1000))
		}
		if most := log.mostInFlight.Load(); most > 4 {
			t.Errorf("%d reads at once", most)
		}
	})
}

func TestLargeMessagesGoOneByOne(t *testing.T) {
	inBubble(t, Options{RingBytes: 1000}, func(t *testing.T, log *testLog, h *Hub) {
		m := &testMember{limit: 256 << 10}
		log.set(&log.paused, true)
		subscribe(t, h, lobby, Request{}, m)
		m.sub.Start()
		appendMany(log, lobby, 20, 100<<10)
		log.set(&log.paused, false)
		drainAll(m)
		wantOffsets(t, "large", m.offsets(), span(1, 20))
	})
}

func TestEphemeralEventsAreDroppedForABacklog(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		free, backlogged, full, held := &testMember{limit: unlimited}, &testMember{limit: 10_000}, &testMember{limit: 10}, &testMember{limit: unlimited}
		for _, m := range []*testMember{free, backlogged, full, held} {
			subscribe(t, h, lobby, Request{}, m)
		}
		for _, m := range []*testMember{free, backlogged, full} {
			m.sub.Start()
		}
		appendMany(log, lobby, 2, 10)
		synctest.Wait()
		appendMany(log, lobby, 1, 10)
		synctest.Wait()
		if err := h.Signal(lobby, []byte("typing")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := free.lines(); got[len(got)-1] != "S - typing" {
			t.Errorf("free got %q", got)
		}
		for _, m := range []*testMember{backlogged, full} {
			drainAll(m)
			wantOffsets(t, "messages", m.offsets(), span(1, 3))
			if strings.Contains(strings.Join(m.lines(), ""), "typing") {
				t.Error("a signal went to a member with a backlog")
			}
		}
		if got := h.counts.dropped.Load(); got != 2 {
			t.Errorf("%d dropped", got)
		}
		if len(held.lines()) > 0 {
			t.Error("a member was written to before Start")
		}
	})
}
