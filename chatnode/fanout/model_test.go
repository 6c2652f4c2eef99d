package fanout

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// model is the plain truth beside a hub: what was ever appended, and what each member has to see of it.
type model struct {
	log     *testLog
	hub     *Hub
	feeds   []backbone.Feed
	truth   map[backbone.Feed]map[int][]uint64 // offsets by epoch
	members []*modelMember
}

type modelMember struct {
	*testMember
	feed    backbone.Feed
	epoch   int
	since   uint64 // messages behind it are due
	replied []uint64
	started bool
	left    bool
}

var modelOptions = Options{RingBytes: 20 << 10, AllRingsBytes: 30 << 10, Linger: 3 * time.Second, MaxRecover: 40, MaxReads: 2}

func TestEachMemberGetsExactlyWhatFollowsItsPosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ testing.TB }{t}, checkModel) // without T.Deadline, which a bubble forbids
	})
}

func checkModel(t *rapid.T) {
	log := newTestLog()
	m := &model{log: log, hub: New(testNode{log, "a"}, modelOptions), truth: map[backbone.Feed]map[int][]uint64{}}
	defer m.hub.Close()
	for _, name := range []string{"a", "b", "c"} {
		feed := backbone.Feed{Kind: lobby.Kind, App: "default", Name: name}
		m.feeds = append(m.feeds, feed)
		m.truth[feed] = map[int][]uint64{}
	}
	t.Repeat(map[string]func(*rapid.T){
		"append":    m.append,
		"append2":   m.append,
		"subscribe": m.subscribe,
		"start":     m.start,
		"drain":     m.drain,
		"drain2":    m.drain,
		"leave":     m.leave,
		"reset":     m.reset,
		"discard":   m.discard,
		"pause":     func(t *rapid.T) { log.set(&log.paused, rapid.Bool().Draw(t, "paused")) },
		"fail":      func(t *rapid.T) { log.set(&log.failing, rapid.IntRange(0, 3).Draw(t, "failing") == 0) },
		"settle":    func(*rapid.T) { synctest.Wait() },
		"time":      func(t *rapid.T) { pass(time.Duration(rapid.IntRange(1, 4000).Draw(t, "ms")) * time.Millisecond) },
		"":          m.check,
	})
	m.finish(t)
}

func (m *model) anyFeed(t *rapid.T) backbone.Feed { return rapid.SampledFrom(m.feeds).Draw(t, "feed") }

func (m *model) anyMember(t *rapid.T) *modelMember {
	if len(m.members) == 0 {
		t.Skip("no members")
	}
	return rapid.SampledFrom(m.members).Draw(t, "member")
}

func (m *model) append(t *rapid.T) {
	feed := m.anyFeed(t)
	for range rapid.IntRange(1, 25).Draw(t, "messages") {
		size := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(0, 30_000)).Draw(t, "size")
		message := m.log.append(feed, rapid.Uint64Range(1, 40).Draw(t, "gap"), strings.Repeat("x", size))
		epoch := m.log.now(feed).epoch
		m.truth[feed][epoch] = append(m.truth[feed][epoch], message.Offset)
	}
}

func (m *model) subscribe(t *rapid.T) {
	feed := m.anyFeed(t)
	f := m.log.now(feed)
	member := &modelMember{testMember: &testMember{limit: rapid.SampledFrom([]int{200, 5000, 100_000, unlimited}).Draw(t, "queue")}, feed: feed}
	req := Request{MaxBytes: rapid.SampledFrom([]int{0, 1, 3000}).Draw(t, "maxBytes")}
	var since backbone.Position
	if rapid.IntRange(0, 4).Draw(t, "recover") > 0 {
		since = f.head()
		if all := m.truth[feed][f.epoch]; len(all) > 0 && rapid.Bool().Draw(t, "behind") {
			since.Offset = rapid.SampledFrom(all).Draw(t, "since")
		}
		switch rapid.IntRange(0, 12).Draw(t, "odd") {
		case 0:
			since.Epoch = "e0"
		case 1:
			since.Offset += rapid.Uint64Range(1, 50).Draw(t, "beyond")
		}
		req.Since = &since
	}
	sub, result, err := m.hub.Subscribe(context.Background(), feed, req, member)
	if err != nil {
		if !m.log.failing {
			t.Fatalf("subscribe: %v", err)
		}
		return
	}
	member.sub, member.epoch = sub, epochOf(result.Head)
	member.since = result.Head.Offset
	if result.Recovered {
		m.judge(t, since, result)
		member.since = since.Offset
	} else if len(result.Messages) > 0 {
		t.Fatalf("messages without recovery")
	}
	member.replied = offsetsOf(result.Messages)
	m.members = append(m.members, member)
}

// judge checks a successful recovery. Whether an unsuccessful one could have succeeded is not the model's matter.
func (m *model) judge(t *rapid.T, since backbone.Position, result Result) {
	if since.Epoch != result.Head.Epoch || result.Head.Offset < since.Offset {
		t.Fatalf("recovered from %v to %v", since, result.Head)
	}
	if len(result.Messages) > modelOptions.MaxRecover {
		t.Fatalf("recovered %d messages", len(result.Messages))
	}
}

func epochOf(p backbone.Position) int { n, _ := strconv.Atoi(p.Epoch[1:]); return n }

func (m *model) start(t *rapid.T) {
	member := m.anyMember(t)
	member.started = true
	member.sub.Start()
}

func (m *model) drain(t *rapid.T) { m.anyMember(t).drain() }

func (m *model) leave(t *rapid.T) {
	member := m.anyMember(t)
	member.sub.Close()
	if !member.left {
		member.left = true
		member.sub.Drained()
		member.testMember.drain()
	}
	writes := member.writes
	synctest.Wait()
	if member.writes != writes {
		t.Fatalf("a member that left was written to")
	}
}

func (m *model) reset(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "really") > 0 {
		t.Skip("not too often")
	}
	feed := m.anyFeed(t)
	f := m.log.now(feed)
	if f.epoch == 9 {
		t.Skip("enough epochs")
	}
	m.log.newEpoch(feed, rapid.IntRange(0, 10).Draw(t, "lost"))
	f = m.log.now(feed)
	m.truth[feed][f.epoch] = offsetsOf(f.messages)
}

func (m *model) discard(t *rapid.T) {
	feed := m.anyFeed(t)
	if all := m.log.now(feed).messages; len(all) > 0 {
		m.log.discard(feed, rapid.SampledFrom(all).Draw(t, "oldest").Offset)
	}
}

// due are the messages that the member has to see, oldest first, as far as they were appended.
func (m *model) due(member *modelMember) []uint64 {
	all := m.truth[member.feed][member.epoch]
	i, _ := slices.BinarySearch(all, member.since+1)
	return all[i:]
}

// check holds at any time: what a member saw is a beginning of what is due, and memory is bounded.
func (m *model) check(t *rapid.T) {
	if total := m.hub.rings.total.Load(); total > int64(modelOptions.AllRingsBytes+len(m.feeds)*modelOptions.RingBytes) {
		t.Fatalf("rings take %d bytes", total)
	}
	if most := m.log.mostInFlight.Load(); most > int64(modelOptions.MaxReads) {
		t.Fatalf("%d reads at once", most)
	}
	for i, member := range m.members {
		member.mu.Lock()
		held := append(slices.Clone(member.got), strings.SplitAfter(strings.Join(member.queue, ""), "\n")...)
		member.mu.Unlock()
		seen := append(slices.Clone(member.replied), offsetsIn(held)...)
		due := m.due(member)
		if len(seen) > len(due) || !slices.Equal(seen, due[:len(seen)]) {
			t.Fatalf("member %d, since %d in epoch %d, saw %v of %v", i, member.since, member.epoch, seen, due)
		}
		if !member.started && len(held) > 1 {
			t.Fatalf("member %d was written to before Start", i)
		}
	}
}

func offsetsIn(lines []string) []uint64 {
	return (&testMember{got: lines}).offsets()
}

// finish lets everybody catch up, and checks that everything has arrived.
func (m *model) finish(t *rapid.T) {
	m.log.set(&m.log.paused, false)
	m.log.set(&m.log.failing, false)
	for _, member := range m.members {
		member.sub.Start()
		member.started = true
	}
	for busy := true; busy; {
		pass(2 * housekeeping)
		busy = false
		for _, member := range m.members {
			busy = member.drain() || busy
		}
	}
	m.check(t)
	if total := m.hub.rings.total.Load(); total > int64(modelOptions.AllRingsBytes) {
		t.Fatalf("rings take %d bytes", total)
	}
	present := 0
	for i, member := range m.members {
		if member.left || member.wasReset() {
			continue
		}
		present++
		seen := append(slices.Clone(member.replied), member.offsets()...)
		if due := m.due(member); !slices.Equal(seen, due) {
			t.Fatalf("member %d, since %d in epoch %d, state %d at %d, saw %v of %v", i, member.since, member.epoch, member.sub.state, member.sub.pos, seen, due)
		}
		if member.epoch != m.log.now(member.feed).epoch {
			t.Fatalf("member %d was not told of the new epoch", i)
		}
	}
	if got := m.hub.counts.members.Load(); got != int64(present) || m.hub.counts.behind.Load() != 0 {
		t.Fatalf("%d members counted of %d, %d behind", got, present, m.hub.counts.behind.Load())
	}
}
