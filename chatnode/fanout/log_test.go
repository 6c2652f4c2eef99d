package fanout

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// testLog is a log in memory: an ordered slice per feed, whose followers are told by a goroutine each, some time after the append.
type testLog struct {
	mu       sync.Mutex
	moved    *sync.Cond
	feeds    map[backbone.Feed]*testFeed
	presence map[backbone.Feed]map[string][]byte
	paused   bool // nothing reaches the followers
	failing  bool // reads, follows and writes fail

	follows, reads, inFlight, mostInFlight, presenceWrites atomic.Int64
	gate                                                   func() // called in every read
}

type testFeed struct {
	epoch    int
	messages []*backbone.Message
	floor    uint64 // all up to it was discarded
	last     uint64 // offset
	tails    []*testTail
}

func newTestLog() *testLog {
	l := &testLog{feeds: map[backbone.Feed]*testFeed{}, presence: map[backbone.Feed]map[string][]byte{}}
	l.moved = sync.NewCond(&l.mu)
	return l
}

var errTest = errors.New("the test log fails")

// feed gives a feed; the log is locked.
func (l *testLog) feed(feed backbone.Feed) *testFeed {
	f := l.feeds[feed]
	if f == nil {
		f = &testFeed{epoch: 1}
		l.feeds[feed] = f
	}
	return f
}

// now is a copy of a feed as it is.
func (l *testLog) now(feed backbone.Feed) testFeed {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := *l.feed(feed)
	f.messages = slices.Clone(f.messages)
	return f
}

func (f *testFeed) head() backbone.Position {
	return backbone.Position{Epoch: "e" + strconv.Itoa(f.epoch), Offset: f.last}
}

// append stores a message gap offsets behind the last one, with text as its data.
func (l *testLog) append(feed backbone.Feed, gap uint64, text string) *backbone.Message {
	return l.appendNoted(feed, gap, text, backbone.Note{})
}

func (l *testLog) appendNoted(feed backbone.Feed, gap uint64, text string, note backbone.Note) *backbone.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feed(feed)
	f.last += gap
	m := &backbone.Message{Offset: f.last, Data: []byte(text), Note: note}
	f.messages = append(f.messages, m)
	l.moved.Broadcast()
	return m
}

// discard loses the messages up to offset, as age does, unless they are still on their way to a follower.
func (l *testLog) discard(feed backbone.Feed, offset uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feed(feed)
	for _, tail := range f.tails {
		offset = min(offset, tail.head.Offset)
	}
	f.floor = max(f.floor, offset)
	f.messages = slices.Clone(after(f.messages, f.floor))
}

// newEpoch starts a new incarnation of the feed, in which the last messages are gone.
func (l *testLog) newEpoch(feed backbone.Feed, lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.feed(feed)
	f.epoch++
	f.messages = slices.Clone(f.messages[:max(0, len(f.messages)-lost)])
	f.last = f.floor
	if n := len(f.messages); n > 0 {
		f.last = f.messages[n-1].Offset
	}
	for _, tail := range f.tails {
		tail.reset, tail.head = true, f.head()
	}
	l.moved.Broadcast()
}

func (l *testLog) set(what *bool, value bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*what = value
	l.moved.Broadcast()
}

// testNode is the log as one node sees it: a Source.
type testNode struct {
	*testLog
	id string
}

type testTail struct {
	log      *testLog
	feed     *testFeed
	follower backbone.Follower
	head     backbone.Position
	reset    bool
	signals  [][]byte
	closed   bool
}

func (n testNode) Follow(ctx context.Context, feed backbone.Feed, follower backbone.Follower) (*testTail, error) {
	n.follows.Add(1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing {
		return nil, errTest
	}
	f := n.testLog.feed(feed)
	tail := &testTail{log: n.testLog, feed: f, follower: follower, head: f.head()}
	f.tails = append(f.tails, tail)
	go tail.run()
	return tail, ctx.Err()
}

func (t *testTail) Head() backbone.Position {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	return t.head
}

func (t *testTail) Close() {
	t.log.mu.Lock()
	defer t.log.mu.Unlock()
	t.closed = true
	t.feed.tails = slices.DeleteFunc(t.feed.tails, func(other *testTail) bool { return other == t })
	t.log.moved.Broadcast()
}

// run tells the follower, one call at a time.
func (t *testTail) run() {
	l := t.log
	l.mu.Lock()
	defer l.mu.Unlock()
	for !t.closed {
		fresh := after(t.feed.messages, t.head.Offset)
		switch {
		case t.reset:
			t.reset = false
			head := t.head
			l.mu.Unlock()
			t.follower.Reset(head)
			l.mu.Lock()
		case len(fresh) > 0 && !l.paused:
			batch := slices.Clone(fresh)
			t.head.Offset = t.feed.last
			l.mu.Unlock()
			t.follower.Messages(batch)
			l.mu.Lock()
		case len(t.signals) > 0:
			data := t.signals[0]
			t.signals = t.signals[1:]
			l.mu.Unlock()
			t.follower.Signal(data)
			l.mu.Lock()
		default:
			l.moved.Wait()
		}
	}
}

func (n testNode) After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error) {
	n.reads.Add(1)
	now := n.inFlight.Add(1)
	defer n.inFlight.Add(-1)
	for most := n.mostInFlight.Load(); now > most && !n.mostInFlight.CompareAndSwap(most, now); {
		most = n.mostInFlight.Load()
	}
	if n.gate != nil {
		n.gate()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing {
		return backbone.Page{}, errTest
	}
	f := n.testLog.feed(feed)
	found := after(f.messages, offset)
	page := backbone.Page{Head: f.head(), End: offset, Complete: offset >= f.floor, More: len(found) > limit}
	page.Messages = slices.Clone(found[:min(limit, len(found))])
	if n := len(page.Messages); n > 0 {
		page.End = page.Messages[n-1].Offset
	}
	return page, ctx.Err()
}

func (n testNode) Signal(feed backbone.Feed, data []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, tail := range n.testLog.feed(feed).tails {
		tail.signals = append(tail.signals, slices.Clone(data))
	}
	n.moved.Broadcast()
	return nil
}

func (n testNode) SetPresence(ctx context.Context, feed backbone.Feed, summary []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failing {
		return errTest
	}
	n.presenceWrites.Add(1)
	if n.testLog.presence[feed] == nil {
		n.testLog.presence[feed] = map[string][]byte{}
	}
	if summary == nil {
		delete(n.testLog.presence[feed], n.id)
	} else {
		n.testLog.presence[feed][n.id] = summary
	}
	return ctx.Err()
}

func (n testNode) Presence(ctx context.Context, feed backbone.Feed) (map[string][]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := map[string][]byte{}
	for id, summary := range n.testLog.presence[feed] {
		all[id] = summary
	}
	return all, ctx.Err()
}

func (n testNode) NodeID() string { return n.id }

// testEncoder writes a line per event: its letter, the offset or "-", and the data.
type testEncoder struct{ name string }

func (e testEncoder) Messages(_ backbone.Feed, batch []*backbone.Message) []byte {
	var lines strings.Builder
	for _, m := range batch {
		lines.WriteString("M " + strconv.FormatUint(m.Offset, 10) + " " + string(m.Data) + "\n")
	}
	return []byte(lines.String())
}

func (e testEncoder) Signal(_ backbone.Feed, data []byte) []byte {
	return []byte("S - " + string(data) + "\n")
}
func (e testEncoder) Join(_ backbone.Feed, info []byte) []byte {
	return []byte("J - " + string(info) + "\n")
}
func (e testEncoder) Leave(_ backbone.Feed, info []byte) []byte {
	return []byte("L - " + string(info) + "\n")
}
