package backbone

import (
	"context"
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

func TestTheFirstBeaconOfAShardDoesNotHideWhatWasAcknowledgedBeforeIt(t *testing.T) {
	r, shard := newRoster(), layout.Shard{}
	note := func(term uint64, epoch string) bool {
		terms := r.note(&beacon{node: "n", shards: []claim{{shard: shard, term: term, epoch: epoch}}}, time.Now())
		return len(terms) == 1 && terms[0].anew
	}
	if note(1, "a") {
		t.Error("the first epoch is taken for a change")
	}
	if note(2, "a") {
		t.Error("a new term in the same epoch is taken for a change")
	}
	if !note(3, "b") {
		t.Error("another epoch is not taken for a change")
	}
}
