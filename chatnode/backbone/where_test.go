package backbone

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestEveryNodeKnowsWhoOwnsWhatAndWhatThereIs(t *testing.T) {
	b := openEmbedded(t, t.TempDir())
	feed := room("a")
	send(t, b, feed, "1", "one")
	shard := b.ShardOf(feed)
	await(t, "an owner", func() bool { node, ok := b.OwnerOf(shard); return ok && node == b.NodeID() })
	await(t, "news of the message", func() bool { return b.Newest(shard) == 1 })
	if oldest, err := b.Oldest(t.Context(), shard); err != nil || oldest != 1 {
		t.Fatal(oldest, err)
	}
	if again, ok := b.Shard(shard.String()); !ok || again != shard {
		t.Fatal(again, ok)
	}
	if _, ok := b.Shard("room-4711"); ok {
		t.Fatal("a shard that the log has not")
	}
}

func TestATapThatKeepsItsOwnPlaceIsAskedForItAndLeavesNoCursor(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	feed := room("a")
	sendAll(t, b, feed, numbers(1, 5))
	var asked atomic.Int64
	broken := errors.New("broken")
	c := &collector{}
	c.then = func(_ context.Context, m Tapped) error {
		m.Done()
		if string(m.Message.Data) == "5" && asked.Load() == 2 {
			return broken
		}
		return nil
	}
	begin := func(_ context.Context, shard layout.Shard, epoch string, last uint64) (uint64, error) {
		if shard != b.ShardOf(feed) || epoch == "" || last != 5 {
			t.Errorf("asked for %s in epoch %q, which ends at %d", shard, epoch, last)
		}
		switch asked.Add(1) {
		case 1:
			return 0, broken
		case 2:
			return 3, nil
		default:
			return 4, nil
		}
	}
	tapWith(t, b, TapOptions{Kinds: []layout.Kind{layout.Room}, Begin: begin}, c)
	c.await(t, []string{"4", "5", "5"})
	if _, row := cursorOf(t, b, b.ShardOf(feed)); row.Revision != 0 {
		t.Errorf("there is a cursor: %s", row.Data)
	}
}
