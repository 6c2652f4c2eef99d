package fanout

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

func TestNothingNewIsAnsweredWithoutARead(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		appendMany(log, lobby, 10, 10)
		result := subscribe(t, h, lobby, Request{Since: at(10)}, &testMember{})
		if !result.Recovered || len(result.Messages) > 0 || result.Head != *at(10) {
			t.Errorf("got %+v", result)
		}
		if got := log.reads.Load(); got != 0 {
			t.Errorf("%d reads", got)
		}
	})
}

func TestWhatCanNotBeRecoveredIsSaidSo(t *testing.T) {
	tests := map[string]struct {
		since *backbone.Position
		want  bool
	}{
		"no position":            {nil, false},
		"another epoch":          {&backbone.Position{Epoch: "e0", Offset: 90}, false},
		"no epoch":               {&backbone.Position{Offset: 90}, false},
		"beyond the head":        {at(101), false},
		"most that is recovered": {at(70), true},
		"one too many":           {at(69), false},
		"discarded in part":      {at(9), false},
		"from the very start":    {at(0), false},
		"the newest":             {at(99), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{MaxRecover: 30}, func(t *testing.T, log *testLog, h *Hub) {
				appendMany(log, lobby, 100, 10)
				log.discard(lobby, 10)
				result := subscribe(t, h, lobby, Request{Since: test.since}, &testMember{})
				if result.Recovered != test.want || result.Head != *at(100) {
					t.Fatalf("got recovered %t to %v", result.Recovered, result.Head)
				}
				var want []uint64
				if test.want {
					want = span(test.since.Offset+1, 100)
				}
				wantOffsets(t, "recovered", offsetsOf(result.Messages), want)
			})
		})
	}
}

func TestPositionAheadOfTheTailIsRecovered(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		subscribe(t, h, lobby, Request{}, &testMember{})
		log.set(&log.paused, true)
		appendMany(log, lobby, 10, 10)
		m := &testMember{limit: unlimited}
		result := subscribe(t, h, lobby, Request{Since: at(8)}, m)
		if !result.Recovered || len(result.Messages) > 0 || result.Head != *at(8) {
			t.Fatalf("got %+v", result)
		}
		m.sub.Start()
		log.set(&log.paused, false)
		synctest.Wait()
		wantOffsets(t, "behind its position", m.offsets(), span(9, 10))
	})
}

func TestWhatExceedsTheReplyFollowsAfterStart(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		appendMany(log, lobby, 100, 3904) // of size 4,000
		m := &testMember{limit: 256 << 10}
		result := subscribe(t, h, lobby, Request{Since: at(0), MaxBytes: 12_000}, m)
		wantOffsets(t, "recovered", offsetsOf(result.Messages), span(1, 3))
		if !result.Recovered || result.Head != *at(3) {
			t.Errorf("got head %v", result.Head)
		}
		m.sub.Start()
		for synctest.Wait(); m.drain(); synctest.Wait() {
		}
		wantOffsets(t, "after Start", m.offsets(), span(4, 100))
	})
}

func TestThousandResumesShareReads(t *testing.T) {
	for name, spread := range map[string]int{"same position": 1, "last few messages": 20} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
				appendMany(log, lobby, 500, 100)
				asked := make(chan struct{})
				log.gate = func() { <-asked }
				results := make([]Result, 1000)
				var all sync.WaitGroup
				for i := range results {
					all.Go(func() {
						m := &testMember{}
						results[i] = subscribe(t, h, lobby, Request{Since: at(uint64(200 + i%spread))}, m)
					})
				}
				synctest.Wait()
				close(asked)
				all.Wait()
				for i, result := range results {
					if !result.Recovered {
						t.Fatal("not recovered")
					}
					wantOffsets(t, "recovered", offsetsOf(result.Messages), span(uint64(201+i%spread), 500))
				}
				// A small one shows how large messages are here, another gives the rest, and some who came between begin one more.
				if got := log.reads.Load(); got > 20 {
					t.Errorf("%d reads", got)
				}
				t.Logf("%d reads for 1,000 resumes", log.reads.Load())
			})
		})
	}
}

func TestResetOfAFeedReachesItsMembersAfterStart(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, h *Hub) {
		appendMany(log, lobby, 10, 10)
		started, waiting, gone := &testMember{limit: unlimited}, &testMember{limit: unlimited}, &testMember{limit: unlimited}
		for _, m := range []*testMember{started, waiting, gone} {
			subscribe(t, h, lobby, Request{}, m)
		}
		started.sub.Start()
		log.newEpoch(lobby, 5)
		synctest.Wait()
		if !started.wasReset() || waiting.wasReset() {
			t.Errorf("reset: %t for who had started, %t for who had not", started.wasReset(), waiting.wasReset())
		}
		waiting.sub.Start()
		gone.sub.Close()
		gone.sub.Start()
		if !waiting.wasReset() || gone.wasReset() {
			t.Errorf("reset: %t after Start, %t after Close", waiting.wasReset(), gone.wasReset())
		}
		appendMany(log, lobby, 1, 10)
		synctest.Wait()
		again := &testMember{limit: unlimited}
		result := subscribe(t, h, lobby, Request{Since: &backbone.Position{Epoch: "e2", Offset: 5}}, again)
		wantOffsets(t, "recovered in the new epoch", offsetsOf(result.Messages), []uint64{6})
		if len(started.lines())+len(waiting.lines()) > 0 {
			t.Error("a member got something of the new epoch")
		}
	})
}

// hastySource gives messages to the follower before Follow returns.
type hastySource struct{ testNode }

func (s hastySource) Follow(ctx context.Context, feed backbone.Feed, follower backbone.Follower) (*testTail, error) {
	tail, err := s.testNode.Follow(ctx, feed, follower)
	appendMany(s.testLog, feed, 3, 10)
	synctest.Wait()
	return tail, err
}

func TestMessagesThatComeBeforeFollowReturnsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newTestLog()
		appendMany(log, lobby, 7, 10)
		h := New(hastySource{testNode{log, "a"}}, Options{})
		defer h.Close()
		m := &testMember{limit: unlimited}
		result := subscribe(t, h, lobby, Request{Since: at(5)}, m)
		wantOffsets(t, "recovered", offsetsOf(result.Messages), span(6, 10))
		m.sub.Start()
		appendMany(log, lobby, 2, 10)
		synctest.Wait()
		wantOffsets(t, "live", m.offsets(), span(11, 12))
	})
}

func TestRingHoldsAnUnbrokenEndOfTheFeed(t *testing.T) {
	message := func(offset uint64) *backbone.Message {
		return &backbone.Message{Offset: offset, Data: []byte(strings.Repeat("x", 4))} // of size 100
	}
	var g ring
	g.clear(10)
	g.append([]*backbone.Message{message(12), message(14), message(16)}, 250)
	if g.floor != 12 || g.bytes != 200 || g.covers(11) || !g.covers(13) {
		t.Fatalf("floor %d, %d bytes", g.floor, g.bytes)
	}
	g.extend(5, []*backbone.Message{message(6), message(8), message(12), message(14)}, 450)
	if g.floor != 6 || !slices.Equal(offsetsOf(g.messages), []uint64{8, 12, 14, 16}) || g.bytes != 400 {
		t.Fatalf("floor %d, %d bytes, %v", g.floor, g.bytes, offsetsOf(g.messages))
	}
	g.append([]*backbone.Message{message(20), message(22)}, 50)
	if g.floor != 22 || g.bytes != 0 || g.messages != nil {
		t.Fatalf("floor %d, %d bytes", g.floor, g.bytes)
	}
}

// weighed is a node that knows the greatest page that was read.
type weighed struct {
	testNode
	most atomic.Int64
}

func (n *weighed) After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error) {
	page, err := n.testNode.After(ctx, feed, offset, limit)
	bytes := 0
	for _, m := range page.Messages {
		bytes += m.Size()
	}
	n.most.Store(max(n.most.Load(), int64(bytes)))
	return page, err
}

func TestAFirstReadOfLargeMessagesIsNotLarge(t *testing.T) {
	inBubble(t, Options{}, func(t *testing.T, log *testLog, _ *Hub) {
		node := &weighed{testNode: testNode{log, "b"}}
		h := New(node, Options{})
		defer h.Close()
		appendMany(log, lobby, 500, 60<<10)
		m := &testMember{limit: unlimited}
		if result := subscribe(t, h, lobby, Request{Since: at(0)}, m); !result.Recovered {
			t.Errorf("%+v", result.Head)
		}
		m.sub.Start()
		synctest.Wait()
		wantOffsets(t, "after the reply", m.offsets(), span(3, 500))
		if most := node.most.Load(); most > 4*recoverBytes {
			t.Errorf("%d bytes in one read", most)
		}
	})
}
