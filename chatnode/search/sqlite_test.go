package search

import (
	"slices"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

func openIndex(t *testing.T, dir string, bound int64) *sqlite {
	t.Helper()
	e, err := openSQLite(t.Context(), dir, bound)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func beginAt(t *testing.T, e *sqlite, epoch string, last uint64) uint64 {
	t.Helper()
	after, err := e.begin(t.Context(), "room-0", epoch, last)
	if err != nil {
		t.Fatal(err)
	}
	return after
}

func fill(t *testing.T, e *sqlite, changes ...change) {
	t.Helper()
	if err := e.apply(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
}

func offsetsOf(t *testing.T, e *sqlite, word string, limit int) (offsets []uint64, more bool) {
	t.Helper()
	f, err := e.find(t.Context(), wanted{Shard: "room-0", Query: query.Query{{word}}, Rooms: []uint64{7}, Before: 1 << 40, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range f.Hits {
		offsets = append(offsets, h.Offset)
	}
	return offsets, f.More
}

func said(offset uint64, at time.Duration, words ...string) change {
	return change{kind: changeAdd, shard: "room-0", room: 7, offset: offset, time: at.Milliseconds(), words: words}
}

func TestAnIndexBeginsAnewInANewEpochABeheadedLogOrAfterALongAbsence(t *testing.T) {
	e := openIndex(t, t.TempDir(), DefaultBytes)
	for name, again := range map[string]func() uint64{
		"the same":      func() uint64 { return beginAt(t, e, "one", 10) },
		"another epoch": func() uint64 { return beginAt(t, e, "two", 10) },
		"a shorter log": func() uint64 { return beginAt(t, e, "one", 2) },
		"long ago": func() uint64 {
			e.all["room-0"].seen -= 2 * staleAfter.Milliseconds()
			return beginAt(t, e, "one", 10)
		},
	} {
		if err := e.drop(t.Context(), "room-0"); err != nil {
			t.Fatal(err)
		}
		beginAt(t, e, "one", 10)
		fill(t, e, said(3, 0, "word"))
		want, documents := uint64(0), int64(0)
		if name == "the same" {
			want, documents = 3, 1
		}
		if after := again(); after != want || e.size().documents != documents {
			t.Errorf("%s: goes on behind %d with %d messages", name, after, e.size().documents)
		}
	}
}

func TestOldPartsAreGivenUpAsWholes(t *testing.T) {
	e := openIndex(t, t.TempDir(), DefaultBytes)
	beginAt(t, e, "one", 10)
	fill(t, e, said(1, 0, "word"), said(2, time.Hour, "word"), said(3, 2*partSpan, "word"), said(4, 2*partSpan, "word"))
	// An edit of what is in the first part stays there; one of a message that the index never had belongs to the part behind it.
	fill(t, e, change{kind: changeReplace, shard: "room-0", room: 7, offset: 5, target: 1, words: []string{"term"}})
	if got, _ := offsetsOf(t, e, "word", 10); !slices.Equal(got, []uint64{4, 3, 2}) || len(e.all["room-0"].parts) != 2 {
		t.Fatal(got, e.all["room-0"].parts)
	}
	if err := e.trim(t.Context(), "room-0", 2); err != nil {
		t.Fatal(err)
	}
	if got, _ := offsetsOf(t, e, "term", 10); len(got) > 0 || e.size().documents != 4 {
		t.Fatal("found what the log has discarded, or its part went too soon")
	}
	if err := e.trim(t.Context(), "room-0", 3); err != nil {
		t.Fatal(err)
	}
	if got, _ := offsetsOf(t, e, "word", 10); !slices.Equal(got, []uint64{4, 3}) || e.size().documents != 2 {
		t.Fatal(got, e.size())
	}
}

func TestAnIndexKeepsItsBoundAndTheNewest(t *testing.T) {
	const bound = 512 << 10
	e := openIndex(t, "", bound)
	if after := beginAt(t, e, "one", 1<<30); after != 1<<30-bound/leastMessage {
		t.Fatalf("begins behind %d, though there is no room for so much", after)
	}
	const n = 10_000
	base := uint64(1 << 30)
	var batch []change
	for i := range uint64(n) {
		batch = append(batch, said(base+i, 0, "common", "word", "again", "and", "again"))
		if len(batch) == maxBatch || i == n-1 {
			fill(t, e, batch...)
			batch = batch[:0]
			if got := e.size().bytes; got > bound+bound/4 {
				t.Fatalf("%d bytes, bound %d", got, bound)
			}
		}
	}
	if got, more := offsetsOf(t, e, "common", 2); !slices.Equal(got, []uint64{base + n - 1, base + n - 2}) || !more {
		t.Fatal(got, more)
	}
	if e.size().documents >= n {
		t.Fatal("nothing was given up")
	}
}

// Whatever comes as a cursor, one that is read is written as it was, or leads nowhere.
func FuzzCursor(f *testing.F) {
	f.Add("")
	f.Add(cursor{0: 5, 3: 0}.String())
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil {
			return
		}
		again, err := parseCursor(c.String())
		if err != nil {
			t.Fatal(err)
		}
		for number, before := range again {
			if c[number] != before {
				t.Fatalf("%v became %v", c, again)
			}
		}
	})
}
