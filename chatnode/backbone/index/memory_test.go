package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestMillionEntriesOverTenThousandFeedsInLittleMemory(t *testing.T) {
	total := 1_000_000
	if testing.Short() {
		total = 100_000
	}
	d := newDisk()
	o := Options{Term: 1, MaxBytes: 8 << 20, AddTimeout: time.Minute}
	x := open(t, d.open(), o)
	want := map[string][]uint64{}
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 4, 9_999)
	most := 0
	for seq := uint64(1); seq <= uint64(total); seq++ {
		feed := fmt.Sprintf("YXBw.room-%d", zipf.Uint64())
		prev, known, err := x.Add(feed, Entry{Seq: seq, Time: startMillis + int64(seq), ID: rand.Uint64()})
		before := uint64(0)
		if n := len(want[feed]); n > 0 {
			before = want[feed][n-1]
		}
		if err != nil || !known || prev != before {
			t.Fatalf("add %d to %s: %d, %v, %v; want %d", seq, feed, prev, known, err, before)
		}
		want[feed] = append(want[feed], seq)
		if seq%20_000 == 0 {
			if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
				t.Fatal(err)
			}
			most = max(most, x.Stats().Bytes)
		}
	}
	if most > o.MaxBytes {
		t.Errorf("took %d bytes of %d", most, o.MaxBytes)
	}
	t.Logf("%d feeds, %+v", len(want), x.Stats())
	x.Close()
	o.Term, o.Last = 2, uint64(total)
	x = open(t, d.open(), o)
	defer x.Close()
	if x.Covered() != uint64(total) {
		t.Fatalf("covers %d", x.Covered())
	}
	for feed, seqs := range want {
		got, _, complete, err := x.After(t.Context(), feed, 0, bigLimit)
		if err != nil || !complete || !slices.Equal(got, seqs) {
			t.Fatalf("%s: %d sequences, complete %v, error %v; want %d", feed, len(got), complete, err, len(seqs))
		}
	}
}

func TestMemoryStaysBoundedWhileTheStoreIsDown(t *testing.T) {
	h := newDisk().open()
	x := open(t, h, Options{Term: 1, MaxBytes: 32 << 10})
	defer x.Close()
	h.breakAfter(0, false)
	var err error
	seq := uint64(0)
	for err == nil {
		seq++
		_, _, err = x.Add(fmt.Sprint("feed.", seq%50), Entry{Seq: seq, Time: startMillis, ID: seq})
		if used := x.Stats().Bytes; used > 40<<10 {
			t.Fatalf("took %d bytes", used)
		}
	}
	if s := x.Stats(); !errors.Is(err, ErrFull) || s.Refused != 1 {
		t.Fatalf("error %v, %d refused", err, s.Refused)
	}
	h.heal()
	for err = ErrFull; errors.Is(err, ErrFull) && t.Context().Err() == nil; {
		_, _, err = x.Add(fmt.Sprint("feed.", seq%50), Entry{Seq: seq, Time: startMillis, ID: seq})
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(50) {
		got, _, complete, err := x.After(t.Context(), fmt.Sprint("feed.", i), 0, bigLimit)
		if err != nil || !complete || len(got) == 0 || uint64(len(got)) < seq/50 {
			t.Fatalf("feed %d has %d sequences of %d, complete %v, error %v", i, len(got), seq/50, complete, err)
		}
	}
}

func TestFeedWhosePastIsOutOfReachGetsItLater(t *testing.T) {
	d := newDisk()
	x := open(t, d.open(), options(1, 0))
	hear(t, x, 1, 20, "a", "b")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	now := time.UnixMilli(startMillis)
	o := options(2, 20)
	o.Now = func() time.Time { return now }
	h := d.open()
	x = open(t, h, o)
	defer x.Close()
	h.breakAfter(0, false)
	if prev, known, err := x.Add("b", Entry{Seq: 21, Time: startMillis}); known || err != nil {
		t.Fatalf("add with the store down: %d, %v, %v", prev, known, err)
	}
	h.heal()
	reads := x.Stats().Reads
	if _, known, _ := x.Add("a", Entry{Seq: 22, Time: startMillis}); known || x.Stats().Reads != reads {
		t.Fatal("asked the store again at once")
	}
	now = now.Add(storeRest)
	if prev, known, err := x.Add("b", Entry{Seq: 23, Time: startMillis}); prev != 21 || !known || err != nil {
		t.Fatalf("add: %d, %v, %v", prev, known, err)
	}
	hear(t, x, 24, 40, "a", "b")
	expect(t, x, 40, "a", "b")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
}

func TestHotFeedCostsNoStoreOperation(t *testing.T) {
	d := newDisk()
	x := open(t, d.open(), options(1, 0))
	hear(t, x, 1, 10, "a", "b")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	x = open(t, d.open(), options(2, 10))
	defer x.Close()
	if err := x.Prefetch(t.Context(), []string{"a", "b", "a"}); err != nil {
		t.Fatal(err)
	}
	before := x.Stats()
	hear(t, x, 11, 1000, "a", "b")
	if after := x.Stats(); after.Reads != before.Reads || after.Writes != before.Writes {
		t.Fatalf("%d reads, %d writes", after.Reads-before.Reads, after.Writes-before.Writes)
	}
}

func TestReadersAndCheckpointsRunBesideAdd(t *testing.T) {
	const last = 20_000
	d := newDisk()
	o := options(1, 0)
	o.MaxBytes, o.AddTimeout, o.Parallel = 24<<10, time.Minute, 4
	x := open(t, d.open(), o)
	defer x.Close()
	feeds := []string{"a", "b", "c", "d", "e"}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for ctx.Err() == nil {
				checkRange(t, x, feeds, random)
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			if err := x.Checkpoint(context.Background(), MaxSeq); err != nil {
				t.Error(err)
				return
			}
		}
	})
	hear(t, x, 1, last, feeds...)
	cancel()
	wg.Wait()
	expect(t, x, last, feeds...)
}

// checkRange reads a few sequences of one of the feeds, which have every sequence in turn.
func checkRange(t *testing.T, x *Index, feeds []string, random *rand.Rand) {
	covered, i := x.Covered(), random.IntN(len(feeds))
	seq, n := random.Uint64N(covered+1), uint64(len(feeds))
	got, more, complete, err := x.After(context.Background(), feeds[i], seq, 10)
	if err != nil || !complete {
		t.Errorf("after %d: complete %v, error %v", seq, complete, err)
	}
	next := seq + 1
	for next%n != uint64(i) {
		next++
	}
	for _, s := range got {
		if s != next {
			t.Errorf("after %d of %s: %v", seq, feeds[i], got)
			return
		}
		next += n
	}
	if !more && next <= covered {
		t.Errorf("after %d of %s: ends before %d though %d is covered", seq, feeds[i], next, covered)
	}
}
