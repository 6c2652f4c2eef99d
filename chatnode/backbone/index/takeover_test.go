package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// hear adds sequences from..to to feeds, in turn.
func hear(t testing.TB, x *Index, from, to uint64, feeds ...string) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		e := Entry{Seq: seq, Time: startMillis + int64(seq), ID: seq}
		if _, _, err := x.Add(feeds[seq%uint64(len(feeds))], e); err != nil {
			t.Fatalf("add %d: %v", seq, err)
		}
	}
}

// expect checks that the feeds have the sequences 1..last, in turn.
func expect(t testing.TB, x *Index, last uint64, feeds ...string) {
	t.Helper()
	for i, feed := range feeds {
		var want []uint64
		for seq := uint64(1); seq <= last; seq++ {
			if seq%uint64(len(feeds)) == uint64(i) {
				want = append(want, seq)
			}
		}
		got, more, complete, err := x.After(t.Context(), feed, 0, bigLimit)
		if err != nil || more || !complete || !slices.Equal(got, want) {
			t.Fatalf("%s has %v (more %v, complete %v, error %v), want %v", feed, got, more, complete, err, want)
		}
		back, _, _, err := x.Before(t.Context(), feed, 0, bigLimit)
		slices.Reverse(back)
		if err != nil || !slices.Equal(back, want) {
			t.Fatalf("%s backwards has %v (error %v), want %v", feed, back, err, want)
		}
	}
}

func options(term, last uint64) Options {
	return Options{Term: term, Incarnation: "one", Last: last, pageEntries: 4, Parallel: 1}
}

func TestCrashAtAnyStoreOperationLosesNothing(t *testing.T) {
	for _, loseAnswer := range []bool{false, true} {
		for operation := range 30 {
			t.Run(fmt.Sprintf("operation %d, answer lost %v", operation, loseAnswer), func(t *testing.T) {
				d := newDisk()
				h := d.open()
				x := open(t, h, options(1, 0))
				hear(t, x, 1, 10, "a", "b")
				if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
					t.Fatal(err)
				}
				hear(t, x, 11, 50, "a", "b")
				h.breakAfter(operation, loseAnswer)
				_ = x.Checkpoint(t.Context(), MaxSeq)
				x.Close()

				x = open(t, d.open(), options(2, 50))
				defer x.Close()
				hear(t, x, x.Covered()+1, 60, "a", "b")
				expect(t, x, 60, "a", "b")
			})
		}
	}
}

func TestCheckpointCoversOnlyWhatWasAddedBefore(t *testing.T) {
	for operation := 1; operation < 12; operation++ {
		t.Run(fmt.Sprint("operation ", operation), func(t *testing.T) {
			d := newDisk()
			h := d.open()
			x := open(t, h, options(1, 0))
			hear(t, x, 1, 30, "a", "b")
			h.whenReached(operation, func() { hear(t, x, 31, 50, "a", "b") })
			if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
				t.Fatal(err)
			}
			last := x.Covered()
			expect(t, x, last, "a", "b")
			x.Close()

			x = open(t, d.open(), options(2, last))
			defer x.Close()
			if x.Covered() != 30 {
				t.Fatalf("covers %d after a checkpoint that began at 30", x.Covered())
			}
			hear(t, x, 31, 60, "a", "b")
			expect(t, x, 60, "a", "b")
		})
	}
}

// A former owner whose last answer was lost saves again, and at each operation of that a successor comes, works, and saves.
func TestFormerOwnerHarmsNobodyWheneverTheSuccessorComes(t *testing.T) {
	// Write a page, the head (conflict), read the head, read the checkpoint, write the head, write the checkpoint.
	for operation := 1; operation <= 6; operation++ {
		t.Run(fmt.Sprint("operation ", operation), func(t *testing.T) {
			d := newDisk()
			h := d.open()
			former := open(t, h, options(1, 0))
			defer former.Close()
			hear(t, former, 1, 6, "a")
			h.breakAfter(1, true)
			_ = former.Checkpoint(t.Context(), MaxSeq)
			h.heal()

			var successor *Index
			h.whenReached(operation, func() {
				successor = open(t, d.open(), options(2, 6))
				hear(t, successor, successor.Covered()+1, 20, "a")
				if err := successor.Checkpoint(context.Background(), MaxSeq); err != nil {
					t.Error(err)
				}
			})
			err := former.Checkpoint(t.Context(), MaxSeq)
			if successor == nil {
				t.Fatal("the checkpoint has fewer operations")
			}
			defer successor.Close()
			if err == nil {
				t.Error("the former owner's checkpoint succeeded")
			}
			third := open(t, d.open(), options(3, 20))
			defer third.Close()
			if third.Covered() != 20 {
				t.Fatalf("covers %d, want 20", third.Covered())
			}
			expect(t, third, 20, "a")
		})
	}
}

func TestFormerOwnerIsTold(t *testing.T) {
	d := newDisk()
	former := open(t, d.open(), options(1, 0))
	defer former.Close()
	hear(t, former, 1, 3, "a")
	successor := open(t, d.open(), options(2, 3))
	defer successor.Close()
	if err := former.Checkpoint(t.Context(), MaxSeq); !errors.Is(err, ErrDeposed) {
		t.Fatalf("checkpoint of the former owner: %v", err)
	}
	if _, _, err := former.Add("a", Entry{Seq: 4}); !errors.Is(err, ErrDeposed) {
		t.Fatalf("add to the former owner's index: %v", err)
	}
	if _, err := Open(t.Context(), d.open(), shard, options(1, 3)); !errors.Is(err, ErrDeposed) {
		t.Fatalf("open with an old term: %v", err)
	}
}

func TestIndexOfAnotherIncarnationIsIgnored(t *testing.T) {
	for name, o := range map[string]Options{
		"another incarnation": {Term: 1, Incarnation: "two", Last: 100, pageEntries: 4},
		"numbers used again":  {Term: 2, Incarnation: "one", Last: 10, pageEntries: 4},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk()
			x := open(t, d.open(), options(1, 0))
			hear(t, x, 1, 30, "a", "b")
			if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
				t.Fatal(err)
			}
			x.Close()
			x = open(t, d.open(), o)
			if x.Covered() != 0 {
				t.Fatalf("covers %d", x.Covered())
			}
			expect(t, x, 0, "a", "b")
			hear(t, x, 1, 9, "b", "a")
			if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
				t.Fatal(err)
			}
			x.Close()
			o.Term++
			x = open(t, d.open(), o)
			defer x.Close()
			expect(t, x, 9, "b", "a")
		})
	}
}

func TestAddOfACoveredMessageTellsWhatIsBeforeIt(t *testing.T) {
	d := newDisk()
	x := open(t, d.open(), options(1, 0))
	hear(t, x, 1, 40, "a", "b")
	if err := x.Checkpoint(t.Context(), MaxSeq); err != nil {
		t.Fatal(err)
	}
	x.Close()
	x = open(t, d.open(), options(2, 40))
	defer x.Close()
	for seq := uint64(1); seq <= 40; seq++ {
		prev, known, err := x.Add([]string{"a", "b"}[seq%2], Entry{Seq: seq, Time: startMillis})
		if want := max(seq, 2) - 2; err != nil || !known || prev != want {
			t.Fatalf("add %d again: %d, %v, %v", seq, prev, known, err)
		}
	}
	expect(t, x, 40, "a", "b")
}
