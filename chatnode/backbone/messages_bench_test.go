package backbone

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// appendMany appends messages to rooms in turn, every tenth of them in a thread, and every hundredth edited.
func appendMany(b *testing.B, bb *Backbone, rooms []Feed, messages int) (last uint64) {
	b.Helper()
	pending := make([]*Pending, 0, 4096)
	drain := func() {
		for _, p := range pending {
			r, err := p.Wait(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			last = max(last, r.Offset)
		}
		pending = pending[:0]
	}
	for n := range messages {
		note := Note{Kind: NoteMessage, Sender: uint64(1 + n%50)}
		switch {
		case n%100 == 99:
			note.Kind, note.Target = NoteEdit, last
		case n%10 == 9:
			note.Target = last
		}
		text := fmt.Sprint("message ", n)
		pending = append(pending, bb.Enqueue(rooms[n%len(rooms)], Draft{ID: uuid.Must(uuid.NewV7()).String(), Sender: fmt.Sprint(n % 4096), Data: []byte(text), Note: note}))
		if len(pending) == cap(pending) {
			drain()
		}
	}
	drain()
	return last
}

// BenchmarkMessages reads pages of a room with 1,000,000 messages.
func BenchmarkMessages(b *testing.B) {
	for _, size := range []int{10_000, 1_000_000} {
		bb := openWith(b, Options{DataDir: b.TempDir(), Shards: 1})
		feed := room("a")
		began := time.Now()
		last := appendMany(b, bb, []Feed{feed}, size)
		if _, err := bb.Unread(b.Context(), []UnreadQuestion{{Feed: feed}}); err != nil {
			b.Fatal(err)
		}
		b.Logf("%d messages appended and noted in %v", size, time.Since(began).Round(time.Millisecond))
		for name, q := range map[string]func() MessagesQuery{
			"newest 50":          func() MessagesQuery { return MessagesQuery{Limit: 50} },
			"50 before anywhere": func() MessagesQuery { return MessagesQuery{Limit: 50, Before: 1000 + rand.Uint64N(last-1000)} },
			"50 after anywhere":  func() MessagesQuery { return MessagesQuery{Limit: 50, After: 1 + rand.Uint64N(last-1000)} },
			"a thread":           func() MessagesQuery { return MessagesQuery{Limit: 50, Thread: 4096} },
		} {
			b.Run(fmt.Sprintf("of %d, %s", size, name), func(b *testing.B) {
				for b.Loop() {
					if v, err := bb.Messages(b.Context(), feed, q()); err != nil || len(v.Entries) == 0 {
						b.Fatal(len(v.Entries), err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("of %d, rows of 50 anywhere without the log", size), func(b *testing.B) {
			shard := bb.layout.ShardOf(feed)
			for b.Loop() {
				q := question{Op: "messages", Feed: feed.Key(), Limit: 50, Before: 1000 + rand.Uint64N(last-1000)}
				if a, err := bb.ask(b.Context(), shard, q); err != nil || len(a.Rows) == 0 {
					b.Fatal(len(a.Rows), err)
				}
			}
		})
		for _, behind := range []uint64{0, 100, 10_000} {
			b.Run(fmt.Sprintf("of %d, unread behind %d", size, behind), func(b *testing.B) {
				q := []UnreadQuestion{{Feed: feed, After: last - min(behind, last), User: 7}}
				for b.Loop() {
					if _, err := bb.Unread(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkUnreadOfManyRooms asks one question about 625 rooms of a shard: those of a user with 10,000 rooms in 16 shards.
func BenchmarkUnreadOfManyRooms(b *testing.B) {
	bb := openWith(b, Options{DataDir: b.TempDir(), Shards: 1})
	rooms := make([]Feed, 625)
	for i := range rooms {
		rooms[i] = room(fmt.Sprint("room ", i))
	}
	last := appendMany(b, bb, rooms, 625*100)
	for _, unread := range []uint64{0, 10, 100} {
		b.Run(fmt.Sprint(unread, " unread in each"), func(b *testing.B) {
			qs := make([]UnreadQuestion, len(rooms))
			for i, feed := range rooms {
				qs[i] = UnreadQuestion{Feed: feed, After: last - min(last, unread*625), User: 7}
			}
			for b.Loop() {
				if _, err := bb.Unread(b.Context(), qs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRebuild builds the index of a shard anew from its stream, of which one message in a hundred was edited and so is missing.
func BenchmarkRebuild(b *testing.B) {
	const messages = 100_000
	bb, o := abandoned(b)
	rooms := make([]Feed, 100)
	for i := range rooms {
		rooms[i] = room(fmt.Sprint("room ", i))
	}
	appendMany(b, bb, rooms, messages)
	store, err := bb.js.Stream(b.Context(), "KV_"+bb.layout.Bucket(layout.Index))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		o.stop()
		<-o.done
		if err := store.Purge(b.Context()); err != nil {
			b.Fatal(err)
		}
		o = succeed(b, bb, o)
		for err = ErrUnavailable; errors.Is(err, ErrUnavailable); {
			_, err = bb.Unread(b.Context(), []UnreadQuestion{{Feed: rooms[0]}})
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
