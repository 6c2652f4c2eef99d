package backbone

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// readShard reads the shard's stream from its start by a reader of its own.
func readShard(t *testing.T, b *Backbone, shard layout.Shard) (got *progress, caughtUp *progress) {
	t.Helper()
	got, caughtUp = &progress{}, &progress{}
	r := reader{
		heartbeat: readHeartbeat,
		nc:        b.live, stream: b.layout.Stream(shard), prefix: b.layout.StoredPrefix(shard), inbox: b.layout.Inbox(b.id) + ".test",
		opened:   func(streamState) error { return nil },
		deliver:  func(s stored) error { got.set(s.body.Offset); return nil },
		caughtUp: caughtUp.set,
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { _ = r.run(ctx, 1); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return got, caughtUp
}

func TestAReaderGetsPastErasedLastMessages(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	for _, text := range numbers(1, 5) {
		send(t, b, room("a"), text, text)
	}
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(shard))
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{4, 5} {
		if err := stream.SecureDeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	got, caughtUp := readShard(t, b, shard)
	await(t, "the reader to know that nothing more is to come", func() bool { return caughtUp.at() == 5 })
	if got.at() != 3 {
		t.Fatalf("it read up to %d", got.at())
	}
}

func TestAReaderMissesALostDeliveryBeforeTheNextMessageShowsIt(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	shard := b.layout.ShardOf(room("a"))
	ownerOf(t, b, shard)
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(shard))
	if err != nil {
		t.Fatal(err)
	}
	consumers := func() (names []string) {
		for name := range stream.ConsumerNames(t.Context()).Name() {
			names = append(names, name)
		}
		return names
	}
	await(t, "the owner's consumer", func() bool { return len(consumers()) == 1 })
	owners := consumers()
	got, _ := readShard(t, b, shard)
	last := send(t, b, room("a"), idAt(time.Now()), "x").Offset
	await(t, "the first message", func() bool { return got.at() == last })

	// Somebody else takes a message from the reader's consumer, as a broken route between two servers would.
	stolen := make(chan *nats.Msg, 1)
	sub, err := b.main.ChanSubscribe(b.main.NewInbox(), stolen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for _, name := range consumers() {
		if slices.Contains(owners, name) {
			continue
		}
		next := "$JS.API.CONSUMER.MSG.NEXT." + b.layout.Stream(shard) + "." + name
		if err := b.main.PublishRequest(next, sub.Subject, []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	for len(stolen) == 0 {
		last = send(t, b, room("a"), idAt(time.Now()), "x").Offset
		await(t, "the message to come here or there", func() bool { return len(stolen) > 0 || got.at() == last })
	}
	await(t, "the lost message", func() bool { return got.at() == last })
}
