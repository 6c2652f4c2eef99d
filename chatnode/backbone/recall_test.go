package backbone

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// loseIndex ends an owner and empties the store of its index, so that the next one reads the log from its start.
func loseIndex(t testing.TB, b *Backbone, o *owner) {
	t.Helper()
	o.stop()
	<-o.done
	stream, err := b.js.Stream(t.Context(), "KV_"+b.layout.Bucket(layout.Index))
	if err == nil {
		err = stream.Purge(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// trimAgain does what an owner does a moment after its reader began to read a stream as it is now.
func trimAgain(t testing.TB, b *Backbone, o *owner) {
	t.Helper()
	state, err := streamInfo(t.Context(), b.main, b.layout.Stream(o.shard))
	if err != nil {
		t.Fatal(err)
	}
	like := &owner{b: b, shard: o.shard, index: o.index, ledger: o.ledger}
	like.first.Store(state.First)
	await(t, "the trim", func() bool { like.trim(t.Context()); return like.trimmed == state.First })
}

// TestALostIndexIsBuiltAgainFromWhatErasuresHaveLeft erases in different orders what stands first in the log, or further back, and loses the
// index then. A former edit leaves no trace: that it is missing must not hide the message.
func TestALostIndexIsBuiltAgainFromWhatErasuresHaveLeft(t *testing.T) {
	for name, play := range map[string]func(m *plainRoom){
		"edited once":       func(m *plainRoom) { m.say(ann, 0); m.edit(m.messages[0], bob) },
		"edited twice":      func(m *plainRoom) { m.say(ann, 0); m.edit(m.messages[0]); m.edit(m.messages[0], bob) },
		"edited very often": func(m *plainRoom) { m.say(ann, 0); m.editOften(0, 40) },
		"two by turns": func(m *plainRoom) {
			m.say(ann, 0)
			m.say(bob, 0, ann)
			for i := range 6 {
				m.edit(m.messages[i%2], cid)
			}
		},
		"edited and deleted": func(m *plainRoom) {
			m.say(ann, 0)
			m.say(bob, 0, ann)
			m.react(m.messages[0], cid)
			m.editOften(0, 3)
			m.editOften(1, 3)
			m.remove(m.messages[0])
		},
		"a thread": func(m *plainRoom) {
			m.say(ann, 0)
			m.editOften(0, 2)
			m.say(bob, m.messages[0].offset, cid)
			m.editOften(1, 3)
			m.editOften(0, 2)
		},
		"behind others": func(m *plainRoom) {
			m.say(ann, 0)
			m.append(Note{})
			m.say(bob, 0)
			m.editOften(1, 3)
			m.say(cid, m.messages[1].offset)
			m.editOften(2, 2)
			m.say(cid, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, o := abandoned(t)
			m := &plainRoom{b: b, feed: room("a")}
			play(m)
			m.verify(t)
			for range 2 {
				loseIndex(t, b, o)
				o = succeed(t, b, o)
				m.verify(t)
				trimAgain(t, b, o)
				m.verify(t)
			}
			// The next owner, which has an index, finds a stream that begins still later.
			for i := range m.messages {
				if !m.messages[i].deleted {
					m.editOften(i, 2)
				}
			}
			m.verify(t)
			o.stop()
			<-o.done
			o = succeed(t, b, o)
			m.verify(t)
			trimAgain(t, b, o)
			m.verify(t)
		})
	}
}

// editOften edits a message some times.
func (m *plainRoom) editOften(message, times int) {
	for i := range times {
		m.edit(m.messages[message], []uint64{ann, bob, cid}[i%3])
	}
}

func TestAfterACrashTheNextOwnerKnowsMessagesThatWereErasedSinceTheLastCheckpoint(t *testing.T) {
	b, o, m := editedOnce(t)
	store := &failingStore{Store: b.indexStore}
	b.indexStore = store
	o = succeed(t, b, o)
	m.say(bob, 0, ann)
	m.editOften(0, 3)
	m.editOften(1, 3)
	m.verify(t)
	store.failing.Store(true)
	o.stop()
	<-o.done
	store.failing.Store(false)
	o = succeed(t, b, o)
	m.verify(t)
	trimAgain(t, b, o)
	m.verify(t)
}

func TestWhatWasDiscardedIsNeitherListedNorCountedByAnIndexThatWasBuiltAgain(t *testing.T) {
	b, o := abandoned(t)
	m := &plainRoom{b: b, feed: room("a")}
	for range 5 {
		m.say(ann, 0)
	}
	m.editOften(1, 2)
	m.say(ann, 0)
	m.verify(t)
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(o.shard))
	if err != nil {
		t.Fatal(err)
	}
	discard := func(before uint64) {
		t.Helper()
		if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(before)); err != nil {
			t.Fatal(err)
		}
	}
	discard(4)
	loseIndex(t, b, o)
	o = succeed(t, b, o)
	check := func(what string, want ...string) {
		t.Helper()
		same(t, what, view(t, b, m.feed, MessagesQuery{}), want)
		if got := unread(t, b, m.feed, 0, bob); got.Messages != len(want) {
			t.Fatalf("%s: unread %+v, want %d", what, got, len(want))
		}
		page, err := b.After(t.Context(), m.feed, 0, 100)
		if err != nil || page.Complete {
			t.Fatalf("%s: complete %v, %v, though messages were discarded", what, page.Complete, err)
		}
	}
	// The words of message 2 are still there, in its newest edit.
	check("built again", "2 a-7 edited", "4 a-4", "5 a-5", "8 a-8")
	trimAgain(t, b, o)
	check("a moment later", "2 a-7 edited", "4 a-4", "5 a-5", "8 a-8")
	discard(8)
	trimAgain(t, b, o)
	check("more discarded", "8 a-8")
}

func TestAReplicaThatIsBehindDoesNotHideWhatItTellsLater(t *testing.T) {
	b, o := abandoned(t)
	m := &plainRoom{b: b, feed: room("a")}
	m.say(ann, 0)
	m.verify(t)
	o.stop()
	<-o.done
	late := &owner{b: b, shard: o.shard, lease: o.lease}
	late.lease.Term++
	if _, err := late.openIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer late.index.Close()
	late.first.Store(9)
	late.caughtUp(3)
	if covered := late.index.Covered(); covered != 1 {
		t.Fatalf("covers %d, though message 9 may tell of what comes after message 1", covered)
	}
	if late.caughtUp(8); late.index.Covered() != 8 {
		t.Fatalf("covers %d, though nothing is left before message 9", late.index.Covered())
	}
}
