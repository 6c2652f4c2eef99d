package fanout

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestConcurrentFirstSubscribersShareOneFollow(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		var all sync.WaitGroup
		members := make([]testMember, 100)
		for i := range members {
			all.Go(func() {
				members[i].limit = unlimited
				subscribe(t, h, lobby, Request{}, &members[i])
				members[i].sub.Start()
			})
		}
		all.Wait()
		if got := log.follows.Load(); got != 1 || h.Rooms() != 1 {
			t.Errorf("%d follows and %d rooms for one feed", got, h.Rooms())
		}
		appendMany(log, lobby, 3, 10)
		synctest.Wait()
		for i := range members {
			wantOffsets(t, "live", members[i].offsets(), span(1, 3))
		}
	})
}

func TestRoomLingersAfterItsLastMember(t *testing.T) {
	inBubble(t, Options{Linger: time.Minute}, func(t *testing.T, log *testLog, h *Hub) {
		m := &testMember{limit: unlimited}
		subscribe(t, h, lobby, Request{}, m)
		m.sub.Close()
		pass(50 * time.Second)
		appendMany(log, lobby, 5, 10)
		synctest.Wait()
		again := &testMember{limit: unlimited}
		result := subscribe(t, h, lobby, Request{Since: at(2)}, again)
		wantOffsets(t, "recovered", offsetsOf(result.Messages), span(3, 5))
		if log.follows.Load() != 1 || log.reads.Load() != 0 {
			t.Errorf("%d follows and %d reads for a room that lingered", log.follows.Load(), log.reads.Load())
		}
		pass(5 * time.Minute)
		if h.Rooms() != 1 {
			t.Error("a room with a member was closed")
		}
		again.sub.Close()
		again.sub.Close()
		pass(time.Minute + time.Second)
		if h.Rooms() != 0 || h.rings.total.Load() != 0 || h.counts.members.Load() != 0 {
			t.Errorf("%d rooms, %d bytes, %d members left", h.Rooms(), h.rings.total.Load(), h.counts.members.Load())
		}
		if tails := len(log.feeds[lobby].tails); tails != 0 {
			t.Errorf("%d tails left", tails)
		}
	})
}

func TestFailedFollowIsToldAndTriedAnew(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		log.set(&log.failing, true)
		if _, _, err := h.Subscribe(context.Background(), lobby, Request{}, &testMember{}); !errors.Is(err, errTest) {
			t.Errorf("got error %v", err)
		}
		log.set(&log.failing, false)
		subscribe(t, h, lobby, Request{}, &testMember{})
	})
}

func TestSubscriberThatGivesUpLeavesNothing(t *testing.T) {
	inBubble(t, Options{Linger: time.Second}, func(t *testing.T, log *testLog, h *Hub) {
		appendMany(log, lobby, 5, 10)
		asked := make(chan struct{})
		log.gate = func() { <-asked }
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, _, err := h.Subscribe(ctx, lobby, Request{Since: at(0)}, &testMember{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v", err)
		}
		close(asked)
		pass(3 * time.Second)
		if h.Rooms() != 0 {
			t.Errorf("%d rooms left", h.Rooms())
		}
	})
}

func TestClosedHubRefusesSubscribersAndIsSilent(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		m := &testMember{limit: unlimited}
		subscribe(t, h, lobby, Request{}, m)
		m.sub.Start()
		h.Close()
		appendMany(log, lobby, 1, 10)
		synctest.Wait()
		m.sub.Drained()
		m.sub.Close()
		if m.drain() {
			t.Error("a member got something from a closed hub")
		}
		if _, _, err := h.Subscribe(context.Background(), lobby, Request{}, m); !errors.Is(err, ErrClosed) {
			t.Errorf("got error %v", err)
		}
	})
}

func TestMembersShareOneEncodedBuffer(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		var members []*testMember
		for i := range 2*splitAbove + 7 {
			m := &testMember{limit: unlimited, encoder: testEncoder{[]string{"json", "protobuf"}[i%2]}}
			subscribe(t, h, lobby, Request{}, m)
			m.sub.Start()
			members = append(members, m)
		}
		log.set(&log.paused, true)
		appendMany(log, lobby, 20, 100)
		log.set(&log.paused, false)
		synctest.Wait()
		for _, m := range members {
			if m.writes != 1 {
				t.Fatalf("20 messages that waited together took %d writes", m.writes)
			}
			wantOffsets(t, "live", m.offsets(), span(1, 20))
		}
		if got := h.counts.deliveries.Load(); got != int64(20*len(members)) {
			t.Errorf("%d deliveries counted", got)
		}
	})
}

func TestRingsAreBoundedTogetherAndTheSilentOnesGoFirst(t *testing.T) {
	const perRoom, all = 10 << 10, 25 << 10
	inBubble(t, Options{RingBytes: perRoom, AllRingsBytes: all}, func(t *testing.T, log *testLog, h *Hub) {
		feeds := []string{"a", "b", "c", "d"}
		for _, name := range feeds {
			feed := lobby
			feed.Name = name
			subscribe(t, h, feed, Request{}, &testMember{limit: unlimited})
			appendMany(log, feed, 100, 500)
			synctest.Wait()
			if total := h.rings.total.Load(); total > all {
				t.Fatalf("rings take %d bytes", total)
			}
		}
		for i, name := range feeds {
			feed := lobby
			feed.Name = name
			got := h.rooms[feed].ring.bytes
			if silent := i < 2; silent != (got == 0) || got > perRoom {
				t.Errorf("ring %s takes %d bytes", name, got)
			}
		}
	})
}
