package search

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/search/query"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestAnyNodeFindsWhatIsInTheShardsOfAllAndOwnersMayGo(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	o := backbone.Options{NATS: backbone.NATSOptions{URL: process.StartNATS(t, 1).URL()}, Shards: 8}
	one := openNode(t, o, Options{Dir: t.TempDir()})
	two := openNode(t, o, Options{Dir: t.TempDir()})
	await(t, "a fair share of shards", func() bool { return one.log.Owned() == 8 && two.log.Owned() == 8 })
	var rooms []query.Room
	var all []backbone.Feed
	var before []uint64
	for i := range 16 {
		feed := room(fmt.Sprint("r", i))
		all = append(all, feed)
		rooms = append(rooms, query.Room{Feed: feed})
		before = append([]uint64{one.say(feed, "common word")}, before...)
	}
	owners := map[string]bool{}
	for _, feed := range all {
		owner, _ := one.log.OwnerOf(one.log.ShardOf(feed))
		owners[owner] = true
	}
	if len(owners) != 2 {
		t.Fatal("all rooms are one node's")
	}
	// Offsets of different shards are not in the order of time, so only their number is compared across the fleet.
	for _, n := range []*node{one, two} {
		await(t, "everything to be found", func() bool { return len(n.found("word", 3, rooms...)) == len(before) })
		for _, feed := range all {
			await(t, "the room's message", func() bool { return len(n.found("word", 3, query.Room{Feed: feed})) == 1 })
		}
	}
	two.close()
	for _, feed := range all {
		one.say(feed, "common word")
	}
	await(t, "everything after the take-over", func() bool { return len(one.found("word", 3, rooms...)) == 2*len(before) })
	if got := one.found("word", 3, rooms[0]); len(got) != 2 || got[0] <= got[1] {
		t.Fatal(got)
	}
}

func TestTheIndexOfAShardThatAnotherOwnsIsDroppedAfterAWhile(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	o := backbone.Options{NATS: backbone.NATSOptions{URL: process.StartNATS(t, 1).URL()}, Shards: 2}
	dir := t.TempDir()
	one := openNode(t, o, Options{Dir: dir, Grace: 2 * time.Second, keepEvery: 50 * time.Millisecond})
	feeds := []backbone.Feed{room("a"), room("b"), room("c"), room("d")}
	for i, feed := range feeds {
		one.say(feed, fmt.Sprint("zebrastripes ", "number", i))
	}
	await(t, "all of it", func() bool { return one.search.size().documents == 4 })
	two := openNode(t, o, Options{Dir: t.TempDir()})
	one.log.Drain(t.Context())
	await(t, "the other to have everything", func() bool { return two.search.size().documents == 4 })
	await(t, "the first to drop it", func() bool { return one.search.size().documents == 0 })
	for i := range feeds {
		one.goneFromFiles(dir, fmt.Sprint("number", i))
	}
	if got := one.found("zebrastripes", 3, in(feeds...)...); len(got) != 4 {
		t.Fatalf("found %v", got)
	}
}

func TestASearchWithoutSomeNodesSaysSoOnEachPage(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	o := backbone.Options{NATS: backbone.NATSOptions{URL: process.StartNATS(t, 1).URL()}, Shards: 8}
	one := openNode(t, o, Options{Dir: t.TempDir()})
	o.Prefix, o.Shards, o.Create, o.Replicas = "chat", 8, true, 1
	two, err := backbone.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := two.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := Off(two); err != nil {
		t.Fatal(err)
	}
	var feeds, without []backbone.Feed
	for i := range 40 {
		feeds = append(feeds, room(fmt.Sprint("r", i)))
		one.say(feeds[i], "common word")
	}
	await(t, "shares of shards of which both nodes know", func() bool {
		without = nil
		for _, feed := range feeds {
			shard := one.log.ShardOf(feed)
			owner, _ := one.log.OwnerOf(shard)
			if other, _ := two.OwnerOf(shard); other != owner {
				return false
			}
			if owner == two.NodeID() {
				without = append(without, feed)
			}
		}
		return one.log.Owned() == 8 && two.Owned() == 8 && len(without) > 0
	})
	with := len(feeds) - len(without)
	if with < 3 {
		t.Fatalf("%d rooms of %d are the searchable node's", with, len(feeds))
	}
	await(t, "what can be found", func() bool {
		pages := one.pages("word", 2, in(feeds...)...)
		places := 0
		for i, page := range pages {
			if places += len(page.Places); !page.Partial {
				t.Fatalf("page %d does not say that it is partial", i+1)
			}
		}
		return places == with && len(pages) > 1
	})
	_, err = one.search.Search(t.Context(), one.question("word", 2, in(without...)...))
	if !errors.Is(err, backbone.ErrUnavailable) {
		t.Fatalf("a search of rooms that nobody indexes: %v", err)
	}
}
