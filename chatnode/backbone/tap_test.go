package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

// collector is a tap that remembers what it was handed.
type collector struct {
	mu  sync.Mutex
	got []Tapped
	// then decides what becomes of a message; without it, it is done.
	then func(ctx context.Context, m Tapped) error
}

func (c *collector) Message(ctx context.Context, m Tapped) error {
	c.mu.Lock()
	c.got = append(c.got, m)
	c.mu.Unlock()
	if c.then != nil {
		return c.then(ctx, m)
	}
	m.Done()
	return nil
}

func (c *collector) texts() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.got {
		all = append(all, string(m.Message.Data))
	}
	return all
}

func (c *collector) await(t testing.TB, want []string) {
	t.Helper()
	await(t, fmt.Sprint("the tap to be handed ", want), func() bool { return len(c.texts()) >= len(want) })
	if got := c.texts(); !slices.Equal(got, want) {
		t.Fatalf("the tap was handed %v, want %v", got, want)
	}
}

func tapWith(t testing.TB, b *Backbone, o TapOptions, c *collector) {
	t.Helper()
	if err := b.Tap("test", o, c); err != nil {
		t.Fatal(err)
	}
}

// cursorOf reads the cursor of the test's tap.
func cursorOf(t testing.TB, b *Backbone, shard layout.Shard) (c tapCursor, row Row) {
	t.Helper()
	row, err := b.Get(t.Context(), layout.Cursors, layout.RowKey("test", shard.String()))
	if err == nil && row.Revision > 0 {
		c, err = parseTapCursor(row.Data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, row
}

func sendAll(t testing.TB, b *Backbone, feed Feed, all []string) (last uint64) {
	t.Helper()
	for _, text := range all {
		last = send(t, b, feed, text, text).Offset
	}
	return last
}

func TestATapBeginsWithWhatComesOrFromTheStart(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	sendAll(t, b, room("a"), numbers(1, 5))
	fresh, whole, people := &collector{}, &collector{}, &collector{}
	tapWith(t, b, TapOptions{Kinds: []layout.Kind{layout.Room}}, fresh)
	if err := b.Tap("whole", TapOptions{FromStart: true}, whole); err != nil {
		t.Fatal(err)
	}
	if err := b.Tap("people", TapOptions{FromStart: true, Kinds: []layout.Kind{layout.User}}, people); err != nil {
		t.Fatal(err)
	}
	if err := b.Tap("whole", TapOptions{}, whole); err == nil {
		t.Error("a name stands for two taps")
	}
	shard := b.layout.ShardOf(room("a"))
	await(t, "the cursor of the beginning", func() bool { c, _ := cursorOf(t, b, shard); return c.Offset == 5 })
	sendAll(t, b, room("b"), numbers(6, 9))
	whole.await(t, numbers(1, 9))
	fresh.await(t, numbers(6, 9))
	m := whole.got[0]
	if m.Feed != room("a") || m.Message.Offset != 1 || m.Epoch == "" || string(m.Message.Info) != `{"user":"ann"}` {
		t.Errorf("handed over %+v %+v", m, m.Message)
	}
	if len(people.texts()) > 0 {
		t.Error("a tap of personal feeds was handed messages of rooms")
	}
}

func TestATapGoesOnWhereEverythingIsDone(t *testing.T) {
	dir := t.TempDir()
	b := openWith(t, Options{DataDir: dir, Shards: 1})
	// The third and the fifth stay undone; the fourth is done twice, and after those behind it.
	var later func()
	first := &collector{}
	first.then = func(_ context.Context, m Tapped) error {
		switch string(m.Message.Data) {
		case "3", "5":
		case "4":
			later = m.Done
		default:
			m.Done()
		}
		return nil
	}
	tapWith(t, b, TapOptions{FromStart: true}, first)
	sendAll(t, b, room("a"), numbers(1, 8))
	first.await(t, numbers(1, 8))
	later()
	later()
	shard := b.layout.ShardOf(room("a"))
	await(t, "the cursor before what is not done", func() bool { c, _ := cursorOf(t, b, shard); return c.Offset == 2 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openWith(t, Options{DataDir: dir, Shards: 1})
	second := &collector{}
	tapWith(t, b, TapOptions{FromStart: true}, second)
	second.await(t, numbers(3, 8))
	if err := b.Close(); err != nil { // the cursor is written at the end
		t.Fatal(err)
	}
	b = openWith(t, Options{DataDir: dir, Shards: 1})
	third := &collector{}
	tapWith(t, b, TapOptions{FromStart: true}, third)
	sendAll(t, b, room("a"), numbers(9, 10))
	third.await(t, numbers(9, 10))
}

func TestATapThatFailsIsHandedWhatItHasNotDone(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	var ended []context.Context
	c := &collector{}
	failed := false
	c.then = func(ctx context.Context, m Tapped) error {
		if string(m.Message.Data) == "3" && !failed {
			failed, ended = true, append(ended, ctx)
			return errors.New("the test wants it")
		}
		m.Done()
		return nil
	}
	tapWith(t, b, TapOptions{FromStart: true}, c)
	sendAll(t, b, room("a"), numbers(1, 5))
	c.await(t, append(numbers(1, 3), numbers(3, 5)...))
	if ended[0].Err() == nil {
		t.Error("the context of before goes on")
	}
}

func TestATapThatBlocksDelaysNothingElse(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	c := &collector{then: func(ctx context.Context, _ Tapped) error { <-ctx.Done(); return ctx.Err() }}
	tapWith(t, b, TapOptions{FromStart: true}, c)
	r := newRecorder()
	follow(t, b, room("a"), r)
	const senders, each = 50, 60 // more messages than a reader has in flight
	var sending sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				id := fmt.Sprint(s, " ", i)
				if _, err := b.Enqueue(room("a"), Draft{ID: id, Sender: fmt.Sprint(s), Data: []byte(id)}).Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	r.awaitCount(t, senders*each)
	if got := c.texts(); len(got) != 1 {
		t.Errorf("a tap that takes nothing was handed %d messages", len(got))
	}
}

func TestInANewIncarnationATapFindsItsPlaceByTime(t *testing.T) {
	dir := t.TempDir()
	b := openWith(t, Options{DataDir: dir, Shards: 1})
	tapWith(t, b, TapOptions{FromStart: true}, &collector{})
	shard := b.layout.ShardOf(room("a"))
	sendAll(t, b, room("a"), numbers(1, 3))
	await(t, "the cursor", func() bool { c, _ := cursorOf(t, b, shard); return c.Offset == 3 })
	await(t, "a time that is later", func() bool {
		c, _ := cursorOf(t, b, shard)
		return time.Since(time.UnixMilli(c.Time)) > clockStep+100*time.Millisecond
	})
	last := sendAll(t, b, room("a"), numbers(4, 6))
	await(t, "the cursor", func() bool { c, _ := cursorOf(t, b, shard); return c.Offset == last })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openWith(t, Options{DataDir: dir, Shards: 1})
	// As if another incarnation had had more messages, which are lost, and what is there now was stored with their numbers.
	c, row := cursorOf(t, b, shard)
	m, err := b.Read(t.Context(), room("a"), 4)
	if err != nil || m == nil {
		t.Fatal(err, m)
	}
	c.Epoch, c.Offset, c.Time, c.Term = "lost", 5, m.Time, 1
	data, err := json.Marshal(c)
	if err == nil {
		_, err = b.Put(t.Context(), layout.Cursors, row.Key, data, row.Revision)
	}
	if err != nil {
		t.Fatal(err)
	}
	again := &collector{}
	tapWith(t, b, TapOptions{FromStart: true}, again)
	again.await(t, numbers(4, 6))
	await(t, "a cursor of this incarnation", func() bool { c, _ := cursorOf(t, b, shard); return c.Epoch != "lost" && c.Offset == 6 })
}

func TestACursorNeverGoesBackAndNeverIsAnOldIncarnations(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	o := ownerOf(t, b, shard)
	g := func(epoch string, term, read uint64) *tapping {
		one := &tapping{tap: &tap{name: "test"}, o: &owner{b: b, shard: shard, lease: o.lease}, read: read}
		one.o.lease.Epoch, one.o.lease.Term = epoch, term
		return one
	}
	first, second, third, sure := g("one", 1, 10), g("one", 2, 5), g("two", 1003, 4), g("three", 1, 3)
	sure.sure = true
	for _, c := range []struct {
		name string
		by   *tapping
		read uint64
		err  error
		want uint64
	}{
		{"the first one", first, 10, nil, 10},
		{"a later owner that is not as far", second, 5, nil, 10},
		{"a later owner that is further", second, 20, nil, 20},
		{"an owner that does not know that it is replaced", first, 30, nil, 30},
		{"a later owner in a new incarnation", third, 4, nil, 4},
		{"the one before it", second, 40, errTapDeposed, 4},
		{"the same again", third, 6, nil, 6},
		{"an older term that is sure to own the shard", sure, 3, nil, 3},
	} {
		c.by.read = c.read
		if err := c.by.save(t.Context()); !errors.Is(err, c.err) {
			t.Fatalf("%s: %v, want %v", c.name, err, c.err)
		}
		if got, _ := cursorOf(t, b, shard); got.Offset != c.want {
			t.Fatalf("%s: the cursor is at %d, want %d", c.name, got.Offset, c.want)
		}
	}
}

func TestATapLosesNothingWhenShardsChangeHands(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	o := Options{NATS: NATSOptions{URL: process.StartNATS(t, 1).URL()}, Replicas: 1, Shards: 2}
	c := &collector{}
	first := openWith(t, o)
	tapWith(t, first, TapOptions{FromStart: true}, c)
	feeds := []Feed{room("a"), room("b"), room("c"), room("d")}
	sender := openWith(t, o)
	tapWith(t, sender, TapOptions{FromStart: true}, c)
	next := 0
	awaitTapped := func(more int) {
		t.Helper()
		for range more {
			next++
			for _, feed := range feeds {
				text := fmt.Sprint(feed.Name, next)
				send(t, sender, feed, text, text)
			}
		}
	}
	awaitTapped(50)
	await(t, "a fair share of shards", func() bool { return first.Owned() == 2 && sender.Owned() == 2 })
	awaitTapped(50)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	awaitTapped(50)
	var seen map[Feed][]string
	doubles := 0
	look := func() (complete bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		seen, doubles, complete = map[Feed][]string{}, 0, true
		for _, m := range c.got {
			if text := string(m.Message.Data); !slices.Contains(seen[m.Feed], text) {
				seen[m.Feed] = append(seen[m.Feed], text)
			} else {
				doubles++
			}
		}
		for _, feed := range feeds {
			complete = complete && len(seen[feed]) >= next
		}
		return complete
	}
	await(t, "every message", look)
	for _, feed := range feeds {
		for i, text := range seen[feed] {
			if want := fmt.Sprint(feed.Name, i+1); text != want {
				t.Fatalf("%s came where %s should have come", text, want)
			}
		}
	}
	t.Logf("%d of %d messages came twice", doubles, len(feeds)*next)
}

func TestATapSurvivesTheStreamLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("needs three NATS servers; make test runs it")
	}
	servers := process.StartNATS(t, 3)
	b := openWith(t, Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 3, Shards: 1})
	c := &collector{}
	tapWith(t, b, TapOptions{FromStart: true, Kinds: []layout.Kind{layout.Room}}, c)
	sendAll(t, b, room("a"), numbers(1, 100))
	leader := servers.StreamLeader(b.layout.Stream(layout.Shard{}))
	leader.Kill()
	last := sendAll(t, b, room("a"), numbers(101, 200))
	var once []string
	await(t, "every message", func() bool {
		once = once[:0]
		for _, text := range c.texts() {
			if !slices.Contains(once, text) {
				once = append(once, text)
			}
		}
		return len(once) == 200
	})
	if !slices.Equal(once, numbers(1, 200)) {
		t.Fatalf("handed over %v", once)
	}
	await(t, "the cursor", func() bool { c, _ := cursorOf(t, b, layout.Shard{}); return c.Offset == last })
	t.Logf("%d of 200 messages came twice", len(c.texts())-200)
}
