package backbone

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// holdReader keeps the shard's owner, which must have read all, from reading further until release is called.
func holdReader(t *testing.T, b *Backbone, shard layout.Shard) (release func()) {
	t.Helper()
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(shard))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	await(t, "the owner's consumer", func() bool {
		names = nil
		for name := range stream.ConsumerNames(t.Context()).Name() {
			names = append(names, name)
		}
		return len(names) == 1
	})
	if _, err := stream.PauseConsumer(t.Context(), names[0], time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		_, err := stream.ResumeConsumer(t.Context(), names[0])
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) { // the reader has made another, as it does if the machine stalls
			t.Fatal(err)
		}
	}
}

func TestHeadCoversWhatAnotherNodeHasStoredAndTheOwnerNotYetRead(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	feed := room("a")
	shard := b.layout.ShardOf(feed)
	first := send(t, b, feed, "1", "1").Offset
	if head, err := b.Head(t.Context(), feed); err != nil || head.Offset != first {
		t.Fatal(head, err)
	}
	release := holdReader(t, b, shard)
	// This node has no part in it, as if it came through another.
	ack, err := b.js.PublishMsg(t.Context(), &nats.Msg{Subject: b.layout.Stored(feed), Header: nats.Header{nats.MsgIdHdr: {"2"}}, Data: []byte("2")})
	if err != nil {
		t.Fatal(err)
	}
	brief, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if head, err := b.Head(brief, feed); head.Offset != ack.Sequence && !errors.Is(err, ErrUnavailable) {
		t.Fatalf("the head is %v (%v), though %d is stored", head, err, ack.Sequence)
	}
	release()
	if head, err := b.Head(t.Context(), feed); err != nil || head.Offset != ack.Sequence {
		t.Fatal(head, err)
	}
}
