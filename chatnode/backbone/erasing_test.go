package backbone

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/test/process"
)

// act does something at random.
func (m *plainRoom) act(r *rand.Rand) {
	users := []uint64{ann, bob, cid}
	someone := func() uint64 { return users[r.IntN(len(users))] }
	if len(m.messages) < 3 {
		m.say(someone(), 0)
		return
	}
	of := m.messages[max(0, len(m.messages)-1-r.IntN(10))]
	switch r.IntN(10) {
	case 0, 1, 2:
		m.say(someone(), 0, someone())
	case 3:
		m.say(someone(), of.offset)
	case 4, 5, 6:
		m.edit(of, someone())
	case 7:
		m.remove(of)
	default:
		m.react(of, someone())
	}
}

// verify compares everything with what the log and its owner say, and waits for the erasures.
func (m *plainRoom) verify(t *testing.T) {
	t.Helper()
	same(t, "messages", view(t, m.b, m.feed, MessagesQuery{}), m.lines())
	for _, user := range []uint64{ann, bob, cid} {
		for _, of := range []*modelMessage{m.messages[0], m.messages[len(m.messages)/2]} {
			q := UnreadQuestion{m.feed, of.offset, user}
			if got := unread(t, m.b, m.feed, of.offset, user); got != m.unread(q) {
				t.Fatalf("%+v: %+v, want %+v", q, got, m.unread(q))
			}
		}
	}
	m.awaitErasures(t)
}

func TestErasuresAndCountsSurviveOwnersAndLeaders(t *testing.T) {
	if testing.Short() {
		t.Skip("needs three NATS servers; make test runs it")
	}
	servers := process.StartNATS(t, 3)
	o := Options{NATS: NATSOptions{URL: servers.URL()}, Replicas: 3, Shards: 1}
	b := openWith(t, o)
	m := &plainRoom{b: b, feed: room("a")}
	shard := b.layout.ShardOf(m.feed)
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 3 {
		other := startNode(t, o)
		for range 60 {
			m.act(random)
		}
		m.verify(t)
		if round == 1 {
			leader := servers.StreamLeader(b.layout.Stream(shard))
			leader.Kill()
			for range 30 {
				m.act(random)
			}
			leader.Restart()
			servers.WaitReady()
		}
		for range 30 {
			m.act(random)
		}
		other.signal(t, syscall.SIGKILL)
		for range 30 {
			m.act(random)
		}
		awaitOwner(t, b, shard, func(o ownership) bool { return o.node == b.id })
		m.verify(t)
	}
	// No replica has any of it, also the files of its stream.
	for _, seq := range m.void {
		for range 6 {
			found := make([]*stored, 1)
			b.fetchDirect(t.Context(), shard, []uint64{seq}, found)
			if found[0] != nil {
				t.Fatalf("a replica still has message %d: %s", seq, found[0].body.Data)
			}
		}
	}
}

// abandoned is a backbone whose election does nothing any more, and an owner of its only room shard.
func abandoned(t testing.TB) (*Backbone, *owner) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	return b, succeed(t, b, ended(t, b, layout.Shard{}))
}

// editedOnce is a room with one message, which has been edited, and the shard's owner, who has ended.
func editedOnce(t *testing.T) (*Backbone, *owner, *plainRoom) {
	t.Helper()
	b, o := abandoned(t)
	m := &plainRoom{b: b, feed: room("a")}
	m.say(ann, 0)
	m.edit(m.messages[0])
	m.verify(t)
	o.stop()
	<-o.done
	return b, o, m
}

// ended is the owner of a shard after the election has ended all owners for ever. It waits until all shards have one, so that none begins
// meanwhile.
func ended(t testing.TB, b *Backbone, shard layout.Shard) *owner {
	for _, each := range b.layout.All() {
		ownerOf(t, b, each)
	}
	first := ownerOf(t, b, shard)
	b.draining.Store(true)
	b.election.abandon("the test wants it")
	return first
}

// succeed begins a new owner after one that has ended.
func succeed(t testing.TB, b *Backbone, o *owner) *owner {
	l := o.lease
	l.Term, l.Position = l.Term+1, o.position()
	next := b.startOwner(o.shard, l)
	t.Cleanup(func() { next.stop(); <-next.done })
	return next
}

func TestAnErasureThatACrashPreventedIsDoneByTheNextOwner(t *testing.T) {
	b, o := abandoned(t)
	m := &plainRoom{b: b, feed: room("a")}
	m.say(ann, 0)
	m.say(ann, m.messages[0].offset)
	m.verify(t)
	// The owner can't erase any more, but can save its index.
	o.ledger.erasing.end()
	m.edit(m.messages[0])
	m.remove(m.messages[1])
	for _, of := range m.messages {
		if raw, err := b.Read(t.Context(), m.feed, of.offset); raw == nil || err != nil {
			t.Fatalf("message %d: %v %v, though nobody erases", of.offset, raw, err)
		}
	}
	same(t, "messages", view(t, b, m.feed, MessagesQuery{}), m.lines())
	page, err := b.After(t.Context(), m.feed, 0, 10)
	if err != nil || fmt.Sprint(texts(page.Messages)) != "[a-3 a-4]" || !page.Complete {
		t.Fatalf("read %v, complete %v, %v: what is void must not be given even before it is erased", texts(page.Messages), page.Complete, err)
	}
	o.stop()
	<-o.done
	if covered := o.index.Covered(); covered != 4 {
		t.Fatalf("covered %d", covered)
	}
	next := succeed(t, b, o)
	m.verify(t)
	if next.index.Covered() != 4 {
		t.Fatalf("the next owner covers %d", next.index.Covered())
	}
}

func TestAnErasureThatComesAfterTheEndIsLeftToTheNextOwner(t *testing.T) {
	var e erasing
	e.init()
	e.add(t.Context(), &erasure{by: 5, seq: 1})
	e.take()
	e.end()
	var adding sync.WaitGroup
	adding.Go(func() {
		if e.add(t.Context(), &erasure{by: 7, seq: 2}) {
			t.Error("it was taken, though nobody counts it any more")
		}
	})
	if left := e.left(); left != 1 {
		t.Errorf("%d are left", left)
	}
	adding.Wait()
	e.finish(e.pending[0])
	if covered := e.settled(9); covered != 6 {
		t.Errorf("a checkpoint may reach %d", covered)
	}
}

func TestACheckpointDoesNotPassWhatIsStillToBeFollowedUp(t *testing.T) {
	b, o, m := editedOnce(t)
	store := &failingStore{Store: b.indexStore, unread: changesKey(m.feed.Key(), 0)}
	b.indexStore = store
	o = succeed(t, b, o)
	m.edit(m.messages[0])
	m.say(ann, m.messages[0].offset)
	await(t, "the reader", func() bool { return o.read.at() == 4 })
	o.stop()
	<-o.done
	store.unread = ""
	o = succeed(t, b, o)
	m.verify(t)
}

func TestAThreadIsKnownToItsFirstMessageThoughACrashSavedOnlyHalfOfThat(t *testing.T) {
	b, o := abandoned(t)
	o.stop()
	<-o.done
	store := &failingStore{Store: b.indexStore, unwritten: changesKey("", 0)}
	b.indexStore = store
	o = succeed(t, b, o)
	m := &plainRoom{b: b, feed: room("a")}
	m.say(ann, 0)
	m.say(ann, m.messages[0].offset)
	m.verify(t)
	o.stop() // which saves what can be saved
	<-o.done
	if _, _, err := store.Get(t.Context(), o.shard.String()+"."+threadKey(m.feed.Key(), 1)+".head"); err != nil {
		t.Fatalf("the thread was not saved: %v", err)
	}
	store.unwritten = ""
	succeed(t, b, o)
	m.verify(t)
}

func TestErasuresThatArePutOffAreDoneByAnOwnerThatBeginsAnew(t *testing.T) {
	b, o := abandoned(t)
	m := &plainRoom{b: b, feed: room("a")}
	m.say(ann, 0)
	m.say(ann, 0)
	for range 20 {
		m.react(m.messages[0], bob)
	}
	m.verify(t)
	o.ledger.erasing.max, o.ledger.erasing.patience = 1, 0 // nobody uses them before the next event
	m.remove(m.messages[0])
	select {
	case <-o.done:
	case <-time.After(time.Minute):
		t.Fatal("the owner goes on, with erasures put off")
	}
	if off := testutil.ToFloat64(b.metrics.erasures.WithLabelValues("put off")); off == 0 {
		t.Fatal("nothing was put off")
	}
	succeed(t, b, o)
	m.verify(t)
	if left := testutil.ToFloat64(b.metrics.erasing); left != 0 {
		await(t, "the end of all erasures", func() bool { return testutil.ToFloat64(b.metrics.erasing) == 0 })
	}
}

func TestErasedFirstMessagesAreNotTakenForDiscarded(t *testing.T) {
	b, o := abandoned(t)
	m := &plainRoom{b: b, feed: room("a")}
	m.say(ann, 0)
	m.edit(m.messages[0])
	m.edit(m.messages[0])
	m.say(ann, 0)
	m.remove(m.messages[1])
	m.verify(t)
	check := func(what string) {
		t.Helper()
		state, err := streamInfo(t.Context(), b.main, b.layout.Stream(o.shard))
		if err != nil || state.First != 3 {
			t.Fatalf("the stream begins at %d, %v", state.First, err)
		}
		for _, from := range []uint64{0, 1, 2} {
			page, err := b.After(t.Context(), m.feed, from, 10)
			if err != nil || !page.Complete || fmt.Sprint(texts(page.Messages)) != "[a-3 a-5]" {
				t.Fatalf("%s: after %d %v, complete %v, %v", what, from, texts(page.Messages), page.Complete, err)
			}
		}
		page, err := b.Before(t.Context(), m.feed, 0, 10)
		if err != nil || !page.Complete || len(page.Messages) != 2 {
			t.Fatalf("%s: before %v, complete %v, %v", what, texts(page.Messages), page.Complete, err)
		}
		m.verify(t)
	}
	check("the owner that erased")
	o.stop()
	<-o.done
	o = succeed(t, b, o)
	check("the next owner")
}

func TestNothingOfAnotherFeedIsErased(t *testing.T) {
	b, o := abandoned(t)
	theirs := noted(t, b, room("theirs"), "theirs", say(ann))
	mine := noted(t, b, room("mine"), "mine", say(ann))
	noted(t, b, room("mine"), "not mine", remove(theirs))
	noted(t, b, room("mine"), "not mine either", edit(theirs, ann))
	if err := b.Erase(t.Context(), room("mine"), theirs); err != nil {
		t.Fatal(err)
	}
	same(t, "mine", view(t, b, room("mine"), MessagesQuery{}), []string{"2 mine"})
	await(t, "the end of what the owner does about it", func() bool { return o.ledger.settled(4) == 4 })
	same(t, "theirs", view(t, b, room("theirs"), MessagesQuery{}), []string{"1 theirs"})
	if err := b.Erase(t.Context(), room("mine"), mine); err != nil {
		t.Fatal(err)
	}
	same(t, "mine, erased by hand", view(t, b, room("mine"), MessagesQuery{}), []string{"2 (gone)"})
	if err := b.Erase(t.Context(), room("mine"), mine); err != nil {
		t.Fatalf("erase what is gone: %v", err)
	}
}

func TestManyMissingMessagesAreRecalledInWindows(t *testing.T) {
	r := recall{found: map[uint64]*stored{}, from: 10}
	const events = 5 * maxRecalled
	for n := range uint64(events) {
		target := (n*7919)%events + 1
		r.take(stored{key: "k", body: &Message{Offset: events + 1 + n, Note: Note{Kind: NoteEdit, Target: target}}})
	}
	if len(r.found) >= 2*maxRecalled || r.to < maxRecalled {
		t.Fatalf("%d found up to %d", len(r.found), r.to)
	}
	for seq := uint64(1); seq <= r.to; seq++ {
		if (r.found[seq] != nil) != (seq >= 10) {
			t.Fatalf("message %d: found %v", seq, r.found[seq] != nil)
		}
	}
}

func FuzzNote(f *testing.F) {
	for _, n := range []Note{say(ann, bob, cid), reply(7, bob), edit(3, ann), remove(9), {}} {
		f.Add(n.String())
	}
	f.Add("1 2 3")
	f.Add("9 9 9 9")
	f.Fuzz(func(t *testing.T, raw string) {
		n := parseNote(raw)
		if again := parseNote(n.String()); again.String() != n.String() || n.Kind >= noteKinds || len(n.Mentions) > MaxMentions {
			t.Fatalf("%q: %+v came back as %+v", raw, n, again)
		}
	})
}

func TestNotesComeBackAndLiveMessagesCarryThem(t *testing.T) {
	many := say(ann, slices.Repeat([]uint64{bob}, MaxMentions+1)...)
	if got := parseNote(many.String()); len(got.Mentions) != MaxMentions {
		t.Fatalf("%d mentions of %d", len(got.Mentions), MaxMentions)
	}
	n := Note{Kind: NoteDelete, Target: 1 << 60, Thread: 5, Sender: ann, Mentions: []uint64{bob}}
	m := &Message{Offset: 3, Note: n, Info: []byte("i"), Data: []byte("d")}
	if _, got, err := parseEnvelope(appendEnvelope(nil, 1, m)); err != nil || got.Note.String() != n.String() || !bytes.Equal(got.Data, m.Data) {
		t.Fatalf("%+v came back as %+v, %v", m, got, err)
	}
	b := openEmbedded(t, t.TempDir())
	r := newRecorder()
	follow(t, b, room("a"), r)
	noted(t, b, room("a"), "x", edit(7, ann, bob))
	r.awaitCount(t, 1)
	page, err := b.After(t.Context(), room("a"), 0, 1)
	if err != nil || r.messages[0].Note.String() != edit(7, ann, bob).String() || page.Messages[0].Note.String() != edit(7, ann, bob).String() {
		t.Fatalf("live %+v, read %+v, %v", r.messages[0].Note, page.Messages[0].Note, err)
	}
}

func TestErasersAreThereOnlyWhileSomethingIsPending(t *testing.T) {
	var e erasing
	e.init()
	if e.engage() {
		t.Fatal("an eraser with nothing to erase")
	}
	for seq := range uint64(2) {
		e.add(t.Context(), &erasure{by: 9, seq: seq + 1})
		if !e.engage() {
			t.Fatalf("nobody erases message %d", seq+1)
		}
		if one := e.take(); one == nil || one.seq != seq+1 {
			t.Fatalf("took %v", one)
		} else {
			e.finish(one)
		}
		if one := e.take(); one != nil {
			t.Fatalf("took %v, which nobody added", one)
		}
		if e.engage() || e.erasers > 0 {
			t.Fatalf("%d erasers are left", e.erasers)
		}
	}
	for seq := range uint64(2 * erasersAtOnce) {
		e.add(t.Context(), &erasure{by: 9, seq: seq + 3})
	}
	for e.engage() {
		e.take()
	}
	if e.erasers != erasersAtOnce {
		t.Fatalf("%d erasers at once", e.erasers)
	}
}
