package fanout

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var lobby = backbone.Feed{Kind: layout.Room, App: "default", Name: "room:lobby"}

// testMember is a connection with one subscription and a queue of at most limit bytes, which the test drains.
type testMember struct {
	encoder testEncoder
	limit   int
	sub     *Subscription

	mu      sync.Mutex
	queue   []string
	bytes   int
	refused bool
	got     []string // drained lines
	writes  int
	resets  int
}

func (m *testMember) Encoder() Encoder { return m.encoder }

func (m *testMember) Write(wire []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.bytes > 0 && m.bytes+len(wire) > m.limit {
		m.refused = true
		return false
	}
	m.queue = append(m.queue, string(wire))
	m.bytes += len(wire)
	m.writes++
	return true
}

func (m *testMember) Backlog() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limit == unlimited {
		return 0
	}
	return m.bytes
}

func (m *testMember) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.resets++
}

const unlimited = 1 << 40

// drain reads the queue, as the client's network does, and reports whether there was something.
func (m *testMember) drain() bool {
	m.mu.Lock()
	for _, wire := range m.queue {
		m.got = append(m.got, strings.SplitAfter(strings.TrimSuffix(wire, "\n"), "\n")...)
	}
	some, refused := len(m.queue) > 0, m.refused
	m.queue, m.bytes, m.refused = nil, 0, false
	m.mu.Unlock()
	if m.sub != nil && (some || refused) {
		m.sub.Drained()
	}
	return some || refused
}

// lines are the drained events, without line ends.
func (m *testMember) lines() []string {
	m.drain()
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := make([]string, len(m.got))
	for i, line := range m.got {
		lines[i] = strings.TrimSuffix(line, "\n")
	}
	return lines
}

// offsets are those of the messages that were drained.
func (m *testMember) offsets() []uint64 {
	var offsets []uint64
	for _, line := range m.lines() {
		if parts := strings.SplitN(line, " ", 3); parts[0] == "M" {
			offset, _ := strconv.ParseUint(parts[1], 10, 64)
			offsets = append(offsets, offset)
		}
	}
	return offsets
}

func (m *testMember) wasReset() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.resets > 0
}

// inBubble runs f with a hub on a log, in a synctest bubble: time passes only when all wait.
func inBubble(t *testing.T, o Options, f func(t *testing.T, log *testLog, h *Hub)) {
	synctest.Test(t, func(t *testing.T) {
		log := newTestLog()
		h := New(testNode{log, "a"}, o)
		defer h.Close()
		f(t, log, h)
	})
}

// pass lets time pass, and everything happen that happens then.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func subscribe(t testing.TB, h *Hub, feed backbone.Feed, req Request, m *testMember) Result {
	t.Helper()
	sub, result, err := h.Subscribe(context.Background(), feed, req, m)
	if err != nil {
		t.Fatalf("subscribe: %v", err)
	}
	m.sub = sub
	return result
}

func offsetsOf(messages []*backbone.Message) []uint64 {
	var offsets []uint64
	for _, m := range messages {
		offsets = append(offsets, m.Offset)
	}
	return offsets
}

// appendMany stores n messages of size bytes, one offset apart.
func appendMany(log *testLog, feed backbone.Feed, n, size int) {
	for range n {
		log.append(feed, 1, strings.Repeat("x", size))
	}
}

func span(from, to uint64) []uint64 {
	var all []uint64
	for offset := from; offset <= to; offset++ {
		all = append(all, offset)
	}
	return all
}

func wantOffsets(t testing.TB, what string, got, want []uint64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s: got %d offsets %v, want %d offsets %v", what, len(got), brief(got), len(want), brief(want))
	}
}

func brief(offsets []uint64) []uint64 {
	if len(offsets) > 20 {
		return slices.Concat(offsets[:10], offsets[len(offsets)-10:])
	}
	return offsets
}

func at(offset uint64) *backbone.Position { return &backbone.Position{Epoch: "e1", Offset: offset} }
