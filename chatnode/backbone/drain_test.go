package backbone

import (
	"context"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// another makes this node hear of another one, which lives for a minute.
func another(b *Backbone) {
	b.roster.note(&beacon{node: "other", name: "other"}, time.Now().Add(time.Minute))
}

func readLease(t *testing.T, b *Backbone, shard layout.Shard) lease {
	t.Helper()
	l, _, err := b.readLease(t.Context(), shard)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAClaimThatEndsDuringADrainIsReleased(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	o := ownerOf(t, b, shard)
	b.draining.Store(true)
	b.election.abandon("the test wants it")
	known, _ := b.roster.owner(shard)
	b.election.claim(context.Background(), shard, known)
	// Others must see that the shard is free, as long as this node lives on.
	another(b)
	done := make(chan struct{})
	b.election.drain <- done
	<-done
	if l := readLease(t, b, shard); l.Term <= o.lease.Term || !l.Released {
		t.Fatalf("the lease is %+v", l)
	}
}

func TestADrainingNodeKeepsWhatNobodyElseCanTake(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	r := newRecorder()
	follow(t, b, room("a"), r)
	b.Drain(t.Context())
	send(t, b, room("a"), "1", "1")
	r.awaitCount(t, 1)
	if _, err := b.After(t.Context(), room("a"), 0, 1); err != nil {
		t.Fatal(err)
	}
	another(b)
	shard := b.layout.ShardOf(room("a"))
	await(t, "the other node to be given everything", func() bool {
		l := readLease(t, b, shard)
		return b.Owned() == 0 && l.Released && l.Position == 1
	})
}

func TestAClosedNodeLeavesItsShardsReleased(t *testing.T) {
	dir := t.TempDir()
	b := openWith(t, Options{DataDir: dir, Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	o := ownerOf(t, b, shard)
	send(t, b, room("a"), "1", "1")
	await(t, "the message to be read", func() bool { return o.read.at() == 1 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = openWith(t, Options{DataDir: dir, Shards: 1})
	if next := ownerOf(t, b, shard); next.from != 1 || next.lease.Epoch != o.lease.Epoch {
		t.Fatalf("the lease is %+v after %+v", next.lease, o.lease)
	}
}
