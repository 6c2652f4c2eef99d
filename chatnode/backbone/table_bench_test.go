package backbone

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// BenchmarkTable prints what operations cost on a table of a million rows (fewer with -short), of which a tenth is under one prefix, 2,000
// that were written first under another, and the others under prefixes of 100 rows each, all in random order.
func BenchmarkTable(b *testing.B) {
	total := 1_000_000
	if testing.Short() {
		total = 50_000
	}
	n := openEmbedded(b, b.TempDir())
	early, big := layout.RowKey("default", "early"), layout.RowKey("default", "big")
	fill(b, n, layout.Members, early, 2000)
	keys := make([]string, 0, total)
	for i := range total - 2000 {
		prefix := big
		if i >= total/10 {
			prefix = layout.RowKey("default", fmt.Sprint("room:", i/100))
		}
		keys = append(keys, prefix+"."+layout.RowKey(fmt.Sprint("user-", i)))
	}
	shuffle := rand.New(rand.NewPCG(1, 2))
	shuffle.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	write(b, n, keys)
	small := layout.RowKey("default", fmt.Sprint("room:", total/200))

	page := func(prefix string, at float64, limit int) func(b *testing.B) {
		return func(b *testing.B) {
			after := uint64(at * float64(total))
			for b.Loop() {
				if _, _, err := n.List(b.Context(), layout.Members, prefix, after, limit); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("list/big/first 100", page(big, 0, 100))
	b.Run("list/big/first 1000", page(big, 0, 1000))
	b.Run("list/big/middle 1000", page(big, .5, 1000))
	b.Run("list/big/last 1000", page(big, .995, 1000))
	b.Run("list/early/first 1000", page(early, 0, 1000))
	b.Run("list/early/last 1000", page(early, 1000/float64(total), 1001))
	b.Run("all/big", func(b *testing.B) {
		for b.Loop() {
			if _, err := n.All(b.Context(), layout.Members, big); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("list/100 rows", page(small, 0, 1000))
	b.Run("list/none", page(layout.RowKey("default", "none"), 0, 1000))
	count := func(prefix string) func(b *testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				if _, err := n.Count(b.Context(), layout.Members, prefix); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	b.Run("count/big while it fills", count(big))
	if !testing.Short() {
		sleep(b.Context(), layout.RowMarkerAge+markerSlack)
	}
	b.Run("count/big", count(big))
	b.Run("count/100 rows", count(small))
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if _, err := n.Get(b.Context(), layout.Members, keys[shuffle.IntN(len(keys))]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("put", func(b *testing.B) {
		row, err := n.Get(b.Context(), layout.Members, keys[0])
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if row.Revision, err = n.Put(b.Context(), layout.Members, keys[0], []byte("another"), row.Revision); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// write makes rows, in about that order.
func write(b *testing.B, n *Backbone, keys []string) {
	b.Helper()
	data := []byte(`{"role":"member","joined":1800000000000,"state":"joined","more":"as much as a row has"}`)
	var writers sync.WaitGroup
	next := make(chan string, 1000)
	for range 128 {
		writers.Go(func() {
			for key := range next {
				if _, err := n.Put(b.Context(), layout.Members, key, data, 0); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, key := range keys {
		next <- key
	}
	close(next)
	writers.Wait()
}
