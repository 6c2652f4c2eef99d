package index

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestSeekFindsWhatASearchFromTheStartFinds compares with a plain list, over many pages, where many entries have the same time and some
// came from a clock that was set back.
func TestSeekFindsWhatASearchFromTheStartFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 8, 9, 200} {
		t.Run(fmt.Sprint(size, " entries"), func(t *testing.T) {
			x := open(t, newDisk().open(), Options{Term: 1, pageEntries: 8})
			defer x.Close()
			var list []Entry
			now := int64(startMillis)
			for i := range size {
				seq := uint64(3 * (i + 1))
				hear(t, x, seq, seq, "a")
				e := Entry{Seq: seq, Time: now - random.Int64N(3), Note: Note{Kind: 1}}
				if err := x.Extend("a.m", e); err != nil {
					t.Fatal(err)
				}
				if len(list) > 0 {
					e.Time = max(e.Time, list[len(list)-1].Time)
				}
				list = append(list, e)
				if random.IntN(12) == 0 {
					now += random.Int64N(4)
				}
			}
			for time := int64(startMillis) - 4; time <= now+1; time++ {
				want, rank := uint64(0), 0
				for i, e := range list {
					if e.Time >= time {
						want, rank = e.Seq, i
						break
					}
				}
				seq, at, ok, err := x.SeekTime(t.Context(), "a.m", time)
				if err != nil || seq != want || ok != (want > 0) || at != uint64(rank) {
					t.Fatalf("at %d is %d with rank %d, %v %v, want %d with rank %d", time, seq, at, ok, err, want, rank)
				}
			}
			for i, e := range list {
				if seq, ok, err := x.SeekRank(t.Context(), "a.m", uint64(i)); seq != e.Seq || !ok || err != nil {
					t.Fatalf("rank %d is %d, %v %v, want %d", i, seq, ok, err, e.Seq)
				}
				want := 0
				for want < i && list[i-want-1].Time == e.Time {
					want++
				}
				rank, tie, ok, err := x.RankOf(t.Context(), "a.m", e.Seq)
				if rank != uint64(i) || tie != uint64(want) || !ok || err != nil {
					t.Fatalf("rank of entry %d is %d, tie %d, %v %v, want tie %d", i, rank, tie, ok, err, want)
				}
			}
			if _, ok, err := x.SeekRank(t.Context(), "a.m", uint64(size)); ok || err != nil {
				t.Fatalf("rank %d is there: %v", size, err)
			}
		})
	}
}
