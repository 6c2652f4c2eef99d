package backbone

import (
	"errors"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestAPageTellsErasedMessagesFromDiscardedOnes(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	for _, text := range numbers(1, 10) {
		send(t, b, room("a"), text, text)
	}
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(b.layout.ShardOf(room("a"))))
	if err != nil {
		t.Fatal(err)
	}
	for _, seq := range []uint64{6, 8} {
		if err := stream.SecureDeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	page, err := b.After(t.Context(), room("a"), 5, 10)
	if err != nil || !page.Complete || page.End != 10 || !slices.Equal(texts(page.Messages), []string{"7", "9", "10"}) {
		t.Fatalf("with erased ones: %v %+v %v", texts(page.Messages), page, err)
	}
	if err := stream.Purge(t.Context(), jetstream.WithPurgeSequence(3)); err != nil {
		t.Fatal(err)
	}
	page, err = b.After(t.Context(), room("a"), 0, 10)
	if err != nil || page.Complete || page.End != 10 || !slices.Equal(texts(page.Messages), []string{"3", "4", "5", "7", "9", "10"}) {
		t.Fatalf("with discarded ones: %v %+v %v", texts(page.Messages), page, err)
	}
	page, err = b.Before(t.Context(), room("a"), 6, 3)
	if err != nil || !page.Complete || !slices.Equal(texts(page.Messages), []string{"5", "4", "3"}) {
		t.Fatalf("backwards: %v %+v %v", texts(page.Messages), page, err)
	}
}

func TestPresenceThatCannotBeReadIsNotTakenForAnEmptyRoom(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	if err := b.SetPresence(t.Context(), room("a"), []byte("ann")); err != nil {
		t.Fatal(err)
	}
	if err := b.js.DeleteKeyValue(t.Context(), b.layout.Bucket(layout.Presence)); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Presence(t.Context(), room("a")); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %q %v", got, err)
	}
}

func TestARetryOfAnErasedMessageIsRecognised(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	first := send(t, b, room("a"), "m-1", "1")
	stream, err := b.js.Stream(t.Context(), b.layout.Stream(b.layout.ShardOf(room("a"))))
	if err != nil {
		t.Fatal(err)
	}
	// A retry within the stream's own window would be recognised there.
	find := func() {
		t.Helper()
		offset, err := b.find(t.Context(), room("a"), storedID(room("a"), &Draft{Sender: "ann", ID: "m-1"}))
		if err != nil || offset != first.Offset {
			t.Fatalf("found %d, %v", offset, err)
		}
	}
	find() // somebody owns the shard, and has read the message
	if err := stream.SecureDeleteMsg(t.Context(), first.Offset); err != nil {
		t.Fatal(err)
	}
	find()
}
