package backbone

import (
	"fmt"
	"testing"
)

func TestMessagesAreFoundByTimeAndByRank(t *testing.T) {
	b := openWith(t, Options{DataDir: t.TempDir(), Shards: 1})
	feed, other := room("a"), room("b")
	var offsets []uint64
	for i := range 600 {
		offsets = append(offsets, noted(t, b, feed, fmt.Sprint("m", i), say(ann)))
		if i%5 == 0 {
			noted(t, b, other, fmt.Sprint("o", i), say(bob))
		}
	}
	noted(t, b, feed, "gone", remove(offsets[10]))
	all, err := b.Messages(t.Context(), feed, MessagesQuery{Seek: &Seek{By: SeekRank}, Limit: MaxMessages})
	if err != nil || len(all.Entries) != len(offsets) || all.More {
		t.Fatalf("%d messages, more %v, %v", len(all.Entries), all.More, err)
	}
	for i, e := range all.Entries {
		tie := uint64(0)
		if i > 0 && all.Entries[i-1].Time == e.Time {
			tie = all.Entries[i-1].Tie + 1
		}
		if e.Offset != offsets[i] || e.Rank != uint64(i) || e.Tie != tie || (e.Deleted != nil) != (i == 10) {
			t.Fatalf("message %d: offset %d rank %d tie %d, want %d %d", i, e.Offset, e.Rank, e.Tie, offsets[i], tie)
		}
	}
	first := func(s Seek) (ranks []uint64) {
		v, err := b.Messages(t.Context(), feed, MessagesQuery{Seek: &s, Limit: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range v.Entries {
			if want := all.Entries[e.Rank]; e.Offset != want.Offset || e.Tie != want.Tie {
				t.Fatalf("%+v gives %d with tie %d, want %d with tie %d", s, e.Offset, e.Tie, want.Offset, want.Tie)
			}
			ranks = append(ranks, e.Rank)
		}
		return ranks
	}
	for i, e := range all.Entries {
		begins, ends := uint64(i)-e.Tie, uint64(i)
		for int(ends+1) < len(all.Entries) && all.Entries[ends+1].Time == e.Time {
			ends++
		}
		if got := first(Seek{By: SeekTime, To: e.Time}); got[0] != begins {
			t.Fatalf("from the time of message %d: %v, want from %d on", i, got, begins)
		}
		if got := first(Seek{By: SeekTime, To: e.Time, Back: true}); got[len(got)-1] != ends {
			t.Fatalf("back from the time of message %d: %v, want from %d on", i, got, ends)
		}
		if got := first(Seek{By: SeekRank, To: int64(i)}); got[0] != uint64(i) {
			t.Fatalf("from rank %d: %v", i, got)
		}
		if got := first(Seek{By: SeekRank, To: int64(i), Back: true}); got[len(got)-1] != uint64(len(offsets)-1-i) {
			t.Fatalf("back from the newest but %d: %v", i, got)
		}
	}
	for _, s := range []Seek{
		{By: SeekRank, To: 600}, {By: SeekRank, To: 600, Back: true}, {By: SeekTime, To: all.Entries[599].Time + 1}, {By: SeekTime, Back: true, To: 1},
	} {
		if got := first(s); len(got) > 0 {
			t.Errorf("%+v gives %v", s, got)
		}
	}
}
