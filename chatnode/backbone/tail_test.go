package backbone

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// lose makes this node miss live messages of a feed, as a full socket or a new route between servers would, while f runs.
func lose(t *testing.T, tail *Tail, f func()) {
	t.Helper()
	l, subject := tail.b.listen, tail.b.layout.Live(tail.feed)
	l.forget(subject)
	f()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tails[subject] = tail
}

func TestALostLiveMessageIsReadFromTheLogWhenTheNextOneComes(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	r := newRecorder()
	tail := follow(t, b, room("a"), r)
	send(t, b, room("a"), "1", "1")
	r.awaitCount(t, 1)
	lose(t, tail, func() {
		for _, text := range numbers(2, 1200) {
			send(t, b, room("a"), text, text)
		}
	})
	send(t, b, room("a"), "1201", "1201")
	r.awaitCount(t, 1201)
	if got := r.texts(); !slices.Equal(got, numbers(1, 1201)) {
		t.Fatalf("followed %d messages, not all in order", len(got))
	}
}

func TestALostLastMessageIsFoundByComparingHeads(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	r := newRecorder()
	tail := follow(t, b, room("a"), r)
	lose(t, tail, func() { send(t, b, room("a"), "1", "1") })
	b.listen.check(t.Context(), b.layout.ShardOf(room("a")))
	r.awaitCount(t, 1)
}

func TestDoublesAndStaleTermsAreDropped(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	r := newRecorder()
	tail := follow(t, b, room("a"), r)
	first := send(t, b, room("a"), "1", "1")
	r.awaitCount(t, 1)
	term := b.term(tail.shard)
	for _, payload := range [][]byte{
		appendEnvelope(nil, term, &Message{Offset: first.Offset, Data: []byte("a double")}),
		appendEnvelope(nil, term-1, &Message{Offset: first.Offset + 1000, prev: first.Offset, Data: []byte("of a zombie")}),
		[]byte("M\x01 malformed"),
		{},
	} {
		tail.push(payload)
	}
	send(t, b, room("a"), "2", "2")
	r.awaitCount(t, 2)
	if got := r.texts(); !slices.Equal(got, []string{"1", "2"}) {
		t.Fatalf("followed %v", got)
	}
}

func TestAQueueThatOverflowsIsReadFromTheLog(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	blocked, release := make(chan struct{}), make(chan struct{})
	r := &blockingRecorder{recorder: newRecorder(), blocked: blocked, release: release}
	tail, err := b.Follow(t.Context(), room("a"), r)
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	send(t, b, room("a"), "1", "1")
	<-blocked
	big := bytes.Repeat([]byte("x"), maxQueuedBytes/10)
	for i := range 30 {
		send(t, b, room("a"), fmt.Sprint("big ", i), string(big))
	}
	tail.mu.Lock()
	queued := tail.bytes
	tail.mu.Unlock()
	if queued > maxQueuedBytes {
		t.Fatalf("%d bytes are queued", queued)
	}
	close(release)
	r.awaitCount(t, 31)
}

// blockingRecorder holds its first batch until it is released.
type blockingRecorder struct {
	*recorder
	blocked, release chan struct{}
}

func (r *blockingRecorder) Messages(batch []*Message) {
	if r.blocked != nil {
		close(r.blocked)
		<-r.release
		r.blocked = nil
	}
	r.recorder.Messages(batch)
}

func TestSignalsReachFollowersAndAreNotStored(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	r := newRecorder()
	follow(t, b, room("a"), r)
	if err := b.Signal(room("a"), []byte("typing")); err != nil {
		t.Fatal(err)
	}
	r.await(t, "a signal", func() bool { return slices.Equal(r.signals, []string{"typing"}) })
	page, err := b.After(t.Context(), room("a"), 0, 10)
	if err != nil || len(page.Messages) > 0 {
		t.Fatalf("stored %v %v", texts(page.Messages), err)
	}
}

func TestPresenceIsKeptPerRoomAndNode(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	for feed, summary := range map[Feed]string{room("a"): "ann", room("b"): "bob"} {
		if err := b.SetPresence(t.Context(), feed, []byte(summary)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Presence(t.Context(), room("a"))
	if err != nil || len(got) != 1 || string(got[b.NodeID()]) != "ann" {
		t.Fatalf("got %q %v", got, err)
	}
	if err := b.SetPresence(t.Context(), room("a"), nil); err != nil {
		t.Fatal(err)
	}
	if got, err = b.Presence(t.Context(), room("a")); err != nil || len(got) != 0 {
		t.Fatalf("got %q %v", got, err)
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(appendEnvelope(nil, 3, &Message{Offset: 7, prev: unknownPrev, Time: 5, Info: []byte("{}"), Data: []byte("x")}))
	f.Add([]byte("M"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		term, m, err := parseEnvelope(raw)
		if err != nil {
			return
		}
		again, n, err := parseEnvelope(appendEnvelope(nil, term, m))
		if err != nil || again != term || n.Offset != m.Offset || n.prev != m.prev || n.Time != m.Time ||
			!bytes.Equal(n.Info, m.Info) || !bytes.Equal(n.Data, m.Data) {
			t.Fatalf("%+v came back as %+v, %v", m, n, err)
		}
	})
}

func FuzzBeacon(f *testing.F) {
	b := beacon{node: "n", name: "name", draining: true, shards: []claim{
		{shard: layout.Shard{Kind: layout.User, Number: 3}, term: 4, position: 5, epoch: "e", released: true, successor: "m"},
	}}
	f.Add(b.append(nil))
	f.Add([]byte{beaconVersion})
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := parseBeacon(raw)
		if err != nil {
			return
		}
		again, err := parseBeacon(b.append(nil))
		if err != nil || again.node != b.node || !slices.Equal(again.shards, b.shards) {
			t.Fatalf("%+v came back as %+v, %v", b, again, err)
		}
	})
}

// flooder fills its tail's queue whenever it is given messages, and has the next one stored.
type flooder struct {
	*recorder
	t      *testing.T
	tail   *Tail
	rounds int
}

func (f *flooder) Messages(batch []*Message) {
	if f.rounds--; f.rounds > 0 {
		double := appendEnvelope(nil, f.tail.b.term(f.tail.shard), &Message{Offset: 1})
		for range 2 * maxQueued {
			f.tail.push(double)
		}
		send(f.t, f.tail.b, f.tail.feed, idAt(time.Now()), "next")
	}
	f.recorder.Messages(batch)
}

func TestQueuesStayBoundedWhileATailIsRepairedAgainAndAgain(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := openWith(t, Options{DataDir: t.TempDir(), Registerer: registry})
	const rounds = 6
	f := &flooder{recorder: newRecorder(), t: t, rounds: rounds}
	var err error
	if f.tail, err = b.Follow(t.Context(), room("a"), f); err != nil {
		t.Fatal(err)
	}
	defer f.tail.Close()
	send(t, b, room("a"), idAt(time.Now()), "first")
	f.awaitCount(t, rounds)
	// What was left of all queues is handled in the end.
	await(t, "the tail to rest", func() bool {
		f.tail.mu.Lock()
		defer f.tail.mu.Unlock()
		return !f.tail.running && len(f.tail.queue) == 0
	})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "chatnode_log_doubles_total" {
			continue
		}
		if doubles := family.GetMetric()[0].GetCounter().GetValue(); doubles > 2*maxQueued {
			t.Fatalf("%v messages were kept in a queue of %d", doubles, maxQueued)
		}
	}
}
