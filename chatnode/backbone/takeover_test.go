package backbone

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// await waits until the condition holds.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline, tick := time.After(time.Minute), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

// ownerOf waits until the node itself owns the shard.
func ownerOf(t testing.TB, b *Backbone, shard layout.Shard) (o *owner) {
	t.Helper()
	await(t, "the owner of "+shard.String(), func() bool {
		b.election.mu.Lock()
		defer b.election.mu.Unlock()
		o = b.election.owners[shard]
		return o != nil
	})
	return o
}

func TestASuccessorDispatchesWhatTheIndexKnowsButNoBeaconHasShown(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	feed := room("a")
	shard := b.layout.ShardOf(feed)
	o := ownerOf(t, b, shard)
	for _, text := range numbers(1, 10) {
		send(t, b, feed, text, text)
	}
	await(t, "the index", func() bool { return o.read.at() == 10 })
	live := &Tail{b: b, feed: feed, shard: shard, running: true} // so that nobody else takes what comes
	if err := b.listen.add(live); err != nil {
		t.Fatal(err)
	}
	defer live.Close()

	// The owner ends, as it does when its connection is lost: its index is saved, and its last beacon showed less.
	b.draining.Store(true)
	b.election.abandon("the test wants it")
	l := o.lease
	l.Term, l.Position = l.Term+1, 5
	next := b.startOwner(shard, l)
	defer func() { next.stop(); <-next.done }()

	var got []string
	await(t, "the successor to dispatch", func() bool {
		live.mu.Lock()
		defer live.mu.Unlock()
		got = got[:0]
		for _, payload := range live.queue {
			term, message, err := parseEnvelope(payload)
			if err != nil {
				t.Fatal(err)
			}
			if term == l.Term {
				got = append(got, fmt.Sprint(message.prev, "→", message.Offset))
			}
		}
		return len(got) >= 5
	})
	if want := []string{"5→6", "6→7", "7→8", "8→9", "9→10"}; !slices.Equal(got, want) {
		t.Fatalf("dispatched %v, want %v", got, want)
	}
}

func TestAnOwnerStopsWhenItHearsOfANewerTerm(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	o := ownerOf(t, b, shard)
	b.currentTerm(shard, o.lease.Term+1)
	select {
	case <-o.done:
	case <-time.After(30 * time.Second):
		t.Fatal("it still answers questions and dispatches, in a term that is over")
	}
	await(t, "an owner in a newer term", func() bool { return ownerOf(t, b, shard).lease.Term > o.lease.Term+1 })
}

func TestAStreamShorterThanItsLeaseKnowsChangesTheEpochAlsoIfNobodyRemembersTheOwner(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	ownerOf(t, b, shard)
	b.draining.Store(true)
	b.election.abandon("the test wants it")
	old, revision, err := b.readLease(t.Context(), shard)
	if err != nil {
		t.Fatal(err)
	}
	old.Node, old.Position = "gone", 100
	if err := b.writeLease(t.Context(), shard, old, revision); err != nil {
		t.Fatal(err)
	}
	l, err := b.claimLease(t.Context(), shard, ownership{}, streamState{Last: 90, Created: old.Created})
	if err != nil || l.Epoch == old.Epoch || l.Position != 90 {
		t.Fatalf("claimed %+v after %+v, %v", l, old, err)
	}
}

func TestANodeListensForOwnersBeforeItClaimsHoweverLongItsStartTook(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	for _, shard := range b.layout.All() {
		state, err := streamInfo(t.Context(), b.main, b.layout.Stream(shard))
		if err != nil {
			t.Fatal(err)
		}
		if b.election.connected.Before(state.Created) {
			t.Errorf("silence counts from %v before it could hear anything", state.Created.Sub(b.election.connected))
		}
	}
}
