package index

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLostPagesMakeAnswersIncomplete(t *testing.T) {
	d := newDisk()
	x := open(t, d.open(), options(1, 0))
	hear(t, x, 1, 42, "a")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	// Of the pages that begin at 1, 5, …, 37 the first three expire.
	d.remove(func(key string) bool {
		return strings.HasSuffix(key, ".1-1") || strings.HasSuffix(key, ".5-1") || strings.HasSuffix(key, ".9-1")
	})
	x = open(t, d.open(), options(2, 42))
	defer x.Close()
	for _, c := range []struct {
		seq            uint64
		first          uint64
		more, complete bool
	}{{0, 13, true, false}, {10, 13, true, false}, {12, 13, true, false}, {13, 14, true, true}, {40, 41, false, true}} {
		got, more, complete, err := x.After(t.Context(), "a", c.seq, 5)
		if err != nil || len(got) == 0 || got[0] != c.first || more != c.more || complete != c.complete {
			t.Errorf("after %d: %v, more %v, complete %v, error %v", c.seq, got, more, complete, err)
		}
	}
	if got, more, complete, err := x.Before(t.Context(), "a", 16, 2); err != nil || !slices.Equal(got, []uint64{15, 14}) || !more || !complete {
		t.Errorf("before 16: %v, more %v, complete %v, error %v", got, more, complete, err)
	}
	if got, more, complete, err := x.Before(t.Context(), "a", 16, 5); err != nil || len(got) != 3 || more || complete {
		t.Errorf("before 16: %v, more %v, complete %v, error %v", got, more, complete, err)
	}
	if _, err := x.Find(t.Context(), "a", 14, time.UnixMilli(0)); !errors.Is(err, ErrIncomplete) {
		t.Errorf("find in a feed with lost pages: %v", err)
	}
	if prev, known, err := x.Add("a", Entry{Seq: 13}); known || err != nil {
		t.Errorf("add what follows a lost page: %d, %v, %v", prev, known, err)
	}
	x.Trim(13)
	if got, err := x.Find(t.Context(), "a", 14, time.UnixMilli(0)); err != nil || !slices.Equal(got, []uint64{14}) {
		t.Errorf("find after the stream discarded what was lost: %v, %v", got, err)
	}
}

func TestMalformedHeadIsAnUnknownPast(t *testing.T) {
	d := newDisk()
	x := open(t, d.open(), options(1, 0))
	hear(t, x, 1, 10, "a")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	key := shard.String() + ".a.head"
	d.values[key] = stored{[]byte("rubbish"), d.values[key].revision}
	x = open(t, d.open(), options(2, 10))
	defer x.Close()
	if _, known, err := x.Add("a", Entry{Seq: 11, Time: startMillis}); known || err != nil {
		t.Fatalf("known %v, error %v", known, err)
	}
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	got, _, complete, err := x.After(t.Context(), "a", 5, 10)
	if err != nil || complete || !slices.Equal(got, []uint64{11}) || x.Stats().Malformed != 1 {
		t.Fatalf("after 5: %v, complete %v, error %v", got, complete, err)
	}
}

func TestFarPagesAreAFewReadsAway(t *testing.T) {
	const last = 4 * 1000
	d := newDisk()
	x := open(t, d.open(), options(1, 0))
	hear(t, x, 1, last, "a")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	most := uint64(0)
	for seq := uint64(0); seq < last; seq += 97 {
		x = open(t, d.open(), options(2, last))
		got, _, complete, err := x.After(t.Context(), "a", seq, 1)
		if err != nil || !complete || !slices.Equal(got, []uint64{seq + 1}) {
			t.Fatalf("after %d: %v, complete %v, error %v", seq, got, complete, err)
		}
		most = max(most, x.Stats().Reads)
		x.Close()
	}
	if most > 25 {
		t.Fatalf("%d reads to find one of 1,000 pages", most)
	}
}

func TestFindForgetsIDsAfterADay(t *testing.T) {
	x := open(t, newDisk().open(), Options{Term: 1})
	defer x.Close()
	hour := time.Hour.Milliseconds()
	for seq := uint64(1); seq <= 2000; seq++ {
		e := Entry{Seq: seq, Time: startMillis + int64(seq)*hour/5, ID: 1 + seq%3}
		if _, _, err := x.Add("a", e); err != nil {
			t.Fatal(err)
		}
	}
	got, err := x.Find(t.Context(), "a", 3, time.UnixMilli(startMillis+2000*hour/5-24*hour))
	if err != nil || len(got) != 41 || got[0] != 2000 || !slices.IsSortedFunc(got, func(a, b uint64) int { return int(b) - int(a) }) {
		t.Fatalf("found %v, error %v", got, err)
	}
	if got, err := x.Find(t.Context(), "a", 7, time.UnixMilli(0)); len(got) != 0 || err != nil {
		t.Fatalf("found %v, error %v", got, err)
	}
	f := x.feeds["a"]
	if perEntry := float64(f.full[0].bytes()) / float64(f.full[0].count); perEntry > 9 {
		t.Errorf("a page of two days takes %.1f bytes an entry", perEntry)
	}
}

func TestAbsentFeedIsEmpty(t *testing.T) {
	x := open(t, newDisk().open(), Options{Term: 1, First: 100, Last: 99})
	defer x.Close()
	if x.Covered() != 99 {
		t.Errorf("covers %d before the stream's first message 100", x.Covered())
	}
	if e, ok, err := x.Head(t.Context(), "a"); ok || err != nil {
		t.Errorf("head %v, %v, %v", e, ok, err)
	}
	for seq, want := range map[uint64]bool{0: false, 98: false, 99: true, 200: true} {
		if got, more, complete, err := x.After(t.Context(), "a", seq, 5); len(got) > 0 || more || complete != want || err != nil {
			t.Errorf("after %d: %v, %v, %v, %v", seq, got, more, complete, err)
		}
	}
}

func TestSequencesOutOfRangeAreRefused(t *testing.T) {
	x := open(t, newDisk().open(), Options{Term: 1})
	defer x.Close()
	for _, seq := range []uint64{0, MaxSeq + 1, ^uint64(0)} {
		if _, _, err := x.Add("a", Entry{Seq: seq}); err == nil {
			t.Errorf("sequence %d was taken", seq)
		}
	}
}
