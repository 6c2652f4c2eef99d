package backbone

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

// remembered is a count that somebody keeps as long as the owner of the shard doesn't say that it may have changed.
type remembered struct {
	question UnreadQuestion
	answer   Unread
	since    Moment
}

// recount compares a remembered count with a new one: it must be the same whenever the owner says that it has not changed.
func (m *roomModel) recount() {
	q := ChangesQuestion{Shard: m.owner.shard, Since: m.known.since, Most: 10}
	changes, err := m.b.Changes(context.Background(), []ChangesQuestion{q})
	if err != nil {
		m.t.Fatal(err)
	}
	m.known.since = changes[0].Now
	changed := !changes[0].Known || slices.Contains(changes[0].Feeds, FeedHash(m.feed))
	if changed {
		m.known.question = UnreadQuestion{Feed: m.feed, User: m.anyone("user")}
		if len(m.messages) > 0 {
			m.known.question.After = m.any().offset
		}
	}
	now, err := m.b.Unread(context.Background(), []UnreadQuestion{m.known.question})
	if err != nil {
		m.t.Fatal(err)
	}
	if !changed && m.known.answer != now[0] {
		m.t.Fatalf("%+v is remembered as %+v, and is %+v", m.known.question, m.known.answer, now[0])
	}
	m.known.answer = now[0]
}

func TestAnOwnerTellsWhichFeedsHaveChangedSince(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	first, second := room("a"), room("b")
	shard := b.ShardOf(first)
	since := func(then Moment, most int) Changes {
		t.Helper()
		all, err := b.Changes(t.Context(), []ChangesQuestion{{shard, then, most}})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(all[0].Feeds)
		return all[0]
	}
	now := since(Moment{}, 10)
	if now.Known || now.Now == (Moment{}) {
		t.Fatalf("of the beginning it says %+v", now)
	}
	expect := func(most int, known bool, want ...Feed) {
		t.Helper()
		var hashes []uint32
		for _, feed := range want {
			hashes = append(hashes, FeedHash(feed))
		}
		slices.Sort(hashes)
		next := since(now.Now, most)
		if next.Known != known || !slices.Equal(next.Feeds, hashes) {
			t.Fatalf("%+v; known should be %v, and feeds %v", next, known, hashes)
		}
		now = next
	}
	expect(10, true)
	said := noted(t, b, first, "one", say(ann))
	noted(t, b, first, "joined", Note{})
	expect(10, true, first)
	noted(t, b, first, "+1", react(said, bob))
	expect(10, true)
	noted(t, b, second, "two", say(ann))
	noted(t, b, first, "one!", edit(said, ann))
	noted(t, b, first, "del", remove(said))
	expect(10, true, first, second)
	noted(t, b, first, "three", say(ann))
	noted(t, b, second, "four", say(ann))
	expect(1, false)
	expect(1, true)

	// Another owner knows nothing of what was before it.
	succeed(t, b, ended(t, b, shard))
	expect(10, false)
	expect(10, true)
}

func TestAnOwnerForgetsTheFeedsThatChangedLongAgo(t *testing.T) {
	touched := newTouched()
	touched.max = 3
	began := touched.since(Moment{}, 10).Now
	for feed := range uint32(3) {
		touched.add(feed)
		touched.add(feed)
	}
	if c := touched.since(began, 10); !c.Known || fmt.Sprint(c.Feeds) != "[2 1 0]" {
		t.Fatalf("%+v", c)
	}
	before := touched.since(began, 10).Now
	touched.add(0)
	touched.add(3) // instead of 1
	if len(touched.feeds) != 3 || touched.newest.Len() != 3 {
		t.Fatalf("it remembers %d and %d", len(touched.feeds), touched.newest.Len())
	}
	if c := touched.since(began, 10); c.Known || len(c.Feeds) > 0 {
		t.Fatalf("it can't know what it has forgotten: %+v", c)
	}
	if c := touched.since(before, 10); !c.Known || fmt.Sprint(c.Feeds) != "[3 0]" {
		t.Fatalf("%+v", c)
	}
	touched.renew()
	if c := touched.since(before, 10); c.Known || len(c.Feeds) > 0 {
		t.Fatalf("after all may have changed: %+v", c)
	}
}
