package backbone

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestASuccessorAnswersOnceItHasReadWhatItsPredecessorsMayHaveToldOf(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	for _, text := range numbers(1, 10) {
		send(t, b, room("a"), text, text)
	}
	o := ownerOf(t, b, b.layout.ShardOf(room("a")))
	await(t, "the index", func() bool { return o.read.at() == 10 })
	// The last beacon has shown 5, and the predecessor's answers have told of 10.
	next := &owner{b: b, shard: o.shard, lease: o.lease, from: 5, before: 10, index: o.index}
	next.read.set(5)
	brief, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if a, err := next.answer(brief, question{Op: "heads", Feed: room("a").Key()}); err == nil {
		t.Fatalf("answered %+v", a)
	}
	next.read.set(10)
	if a, err := next.answer(t.Context(), question{Op: "heads", Feed: room("a").Key()}); err != nil || a.Heads[0] != 10 {
		t.Fatalf("answered %+v, %v", a, err)
	}
}

func TestMessagesOfAnOlderTermAreDroppedOnceAnAnswerHasShownTheNewOne(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	r := newRecorder()
	tail := follow(t, b, room("a"), r)
	// The answer has come before the new owner's first beacon.
	b.terms[b.layout.Index(shard)].Store(0)
	page, err := b.After(t.Context(), room("a"), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	lost := Message{Offset: page.Head.Offset + 1, prev: page.Head.Offset, Data: []byte("of the log before")}
	tail.push(appendEnvelope(nil, ownerOf(t, b, shard).lease.Term-1, &lost))
	send(t, b, room("a"), "1", "1")
	r.awaitCount(t, 1)
	if got := r.texts(); got[0] != "1" {
		t.Fatalf("followed %v", got)
	}
}

func TestWhatWasSeenCountsUntilAnotherEpochIsLearned(t *testing.T) {
	b := &Backbone{
		layout: layout.New("test", 1), epochs: map[layout.Shard]string{},
		newest: make([]atomic.Uint64, 2), terms: make([]atomic.Uint64, 2),
	}
	shard := layout.Shard{Kind: layout.User}
	b.saw(shard, 100)
	for _, step := range []struct {
		term  uint64
		epoch string
		want  uint64
	}{
		{1001, "a", 100}, // the first that is heard: what was acknowledged before belongs to it
		{1002, "a", 100},
		{1003, "b", 7},
		{1002, "a", 7}, // a zombie
	} {
		b.learn(shard, step.term, step.epoch, 7)
		if got := b.seen(shard); got != step.want {
			t.Errorf("term %d in epoch %s: %d is the newest seen, want %d", step.term, step.epoch, got, step.want)
		}
	}
}
