package index

import (
	"fmt"
	"testing"
)

// derive extends a feed by the sequences from one to the other.
func derive(t testing.TB, x *Index, feed string, from, to uint64) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		e := Entry{Seq: seq, Time: startMillis, Note: Note{Kind: 1, Sender: seq % 3}}
		if err := x.Extend(feed, e); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDerivedEntriesAreAddedOnceHoweverOftenTheyAreDerived(t *testing.T) {
	store := newDisk()
	x := open(t, store.open(), Options{Term: 1})
	hear(t, x, 1, 1000, "a")
	derive(t, x, "a.m", 1, 1000)
	if err := x.Checkpoint(t.Context(), 500); err != nil {
		t.Fatal(err)
	}
	x.Close()
	x = open(t, store.open(), Options{Term: 2, Last: 1000})
	defer x.Close()
	if x.Covered() != 500 {
		t.Fatalf("covered %d, though entries up to 500 only were derived for good", x.Covered())
	}
	hear(t, x, 501, 1000, "a")
	derive(t, x, "a.m", 501, 1000)
	n, oldest, err := x.Size(t.Context(), "a.m")
	if n != 1000 || oldest.Seq != 0 || err != nil {
		t.Fatalf("%d entries from %d, %v", n, oldest.Seq, err)
	}
	for _, seq := range []uint64{1, 256, 257, 1000} {
		e, leaf, ok, err := x.Place(t.Context(), "a.m", seq)
		if !ok || err != nil || e.Seq != seq || leaf != (seq-1)/256 || e.Note.Sender != seq%3 {
			t.Fatalf("place of %d: %+v in %d, %v %v", seq, e, leaf, ok, err)
		}
	}
	if _, _, ok, err := x.Place(t.Context(), "a.m", 1001); ok || err != nil {
		t.Fatalf("place of what is not there: %v %v", ok, err)
	}
}

func TestSkippedMessagesMakeAnswersIncomplete(t *testing.T) {
	store := newDisk()
	x := open(t, store.open(), Options{Term: 1})
	hear(t, x, 1, 10, "a")
	x.Skip(21)
	hear(t, x, 21, 30, "a")
	if _, _, complete, err := x.After(t.Context(), "a", 5, 100); complete || err != nil {
		t.Fatalf("complete %v, %v, though 11 to 20 are unknown", complete, err)
	}
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	x = open(t, store.open(), Options{Term: 2, Last: 30})
	defer x.Close()
	for seq, want := range map[uint64]bool{5: false, 10: false, 25: true} {
		if _, _, complete, err := x.After(t.Context(), "a", seq, 100); complete != want || err != nil {
			t.Fatalf("after %d: complete %v, %v", seq, complete, err)
		}
	}
}

func TestAnIndexOfAnEarlierVersionIsStartedAnew(t *testing.T) {
	disk := newDisk()
	x := open(t, disk.open(), Options{Term: 1})
	hear(t, x, 1, 10, "a")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	store := disk.open()
	for _, key := range []string{x.checkpointKey(), x.headKey("a")} {
		value, _, err := store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		value[0] = 1
		if err := store.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	x = open(t, store, Options{Term: 2, Last: 10})
	defer x.Close()
	if x.Covered() != 0 {
		t.Fatalf("covered %d of an index that does not count", x.Covered())
	}
	hear(t, x, 1, 10, "a")
	got, _, complete, err := x.After(t.Context(), "a", 0, 100)
	if fmt.Sprint(got) != "[1 2 3 4 5 6 7 8 9 10]" || !complete || err != nil {
		t.Fatalf("%v, complete %v, %v", got, complete, err)
	}
}
