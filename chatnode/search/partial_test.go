package search

import (
	"context"
	"errors"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestSearchesArePartialUntilTheIndexHasWhatWasThereWhenItWasBegun(t *testing.T) {
	n := openNode(t, backbone.Options{DataDir: t.TempDir(), Shards: 1}, Options{Dir: t.TempDir()})
	a := room("a")
	first := n.say(a, "word")
	n.finds("word", in(a), first)
	await(t, "a whole index", func() bool { return !n.partial(in(a)...) })
	shard := n.log.ShardOf(a)
	epoch := make(chan string, 1)
	n.search.queue <- task{do: func(_ context.Context, e engine) error {
		epoch <- e.(*sqlite).all[shard.String()].epoch
		return nil
	}}
	// As if two more had been there.
	if _, err := n.search.begin(t.Context(), shard, <-epoch, first+2); err != nil {
		t.Fatal(err)
	}
	if !n.partial(in(a)...) || n.search.unfinished() != 1 {
		t.Fatal("the search is not partial")
	}
	second := n.say(a, "word")
	n.finds("word", in(a), second, first)
	if !n.partial(in(a)...) {
		t.Fatal("the search is not partial any more, too early")
	}
	third := n.say(a, "word")
	await(t, "a whole index", func() bool { return !n.partial(in(a)...) })
	if got := n.found("word", 10, in(a)...); len(got) != 3 || got[0] != third {
		t.Fatalf("the whole index has %v", got)
	}
}

func TestAnIndexIsWholeThoughTheLastMessagesAreErased(t *testing.T) {
	data := t.TempDir()
	n := openNode(t, backbone.Options{DataDir: data, Shards: 1}, Options{Dir: t.TempDir()})
	a := room("a")
	first, last := n.say(a, "word"), n.say(a, "word")
	if err := n.log.Erase(t.Context(), a, last); err != nil {
		t.Fatal(err)
	}
	n.close()
	n = openNode(t, backbone.Options{DataDir: data, Shards: 1}, Options{Dir: t.TempDir()})
	n.finds("word", in(a), first)
	await(t, "a whole index", func() bool { return !n.partial(in(a)...) && n.search.Lag() == 0 })
}

func TestWhatCouldNotBeAskedIsPartialAndNotAskedOnLaterPages(t *testing.T) {
	shard := func(number int) layout.Shard { return layout.Shard{Kind: layout.Room, Number: number} }
	fine := func() asked {
		return asked{shard: shard(1), found: found{Hits: []hit{{Offset: 9, Time: 9}, {Offset: 7, Time: 7}}, More: true, Reached: 7}}
	}
	lost := asked{shard: shard(2), err: errors.New("gone")}
	building := fine()
	building.Building = true
	for name, c := range map[string]struct {
		shards  []asked
		at      cursor
		partial bool
		cursor  string
	}{
		"all":                {[]asked{fine()}, cursor{}, false, cursor{1: 7}.String()},
		"one lost":           {[]asked{fine(), lost}, cursor{}, true, cursor{1: 7, 2: leftOut}.String()},
		"lost before":        {[]asked{fine()}, cursor{2: leftOut}, true, cursor{1: 7, 2: leftOut}.String()},
		"done before":        {[]asked{fine()}, cursor{2: 0}, false, cursor{1: 7, 2: 0}.String()},
		"being made":         {[]asked{building}, cursor{}, true, cursor{1: 7}.String()},
		"the rest is lost":   {[]asked{lost, {shard: shard(1)}}, cursor{}, true, ""},
		"up to the very end": {[]asked{{shard: shard(1), found: found{More: true, Reached: 1}}}, cursor{}, false, ""},
	} {
		if a := merge(c.shards, 2, c.at); a.Partial != c.partial || a.Cursor != c.cursor {
			t.Errorf("%s: partial %v, cursor %q, want %v and %q", name, a.Partial, a.Cursor, c.partial, c.cursor)
		}
	}
	at, err := parseCursor(cursor{1: 7, 2: leftOut}.String())
	if err != nil || at[2] != leftOut {
		t.Errorf("%v, %v", at, err)
	}
}
