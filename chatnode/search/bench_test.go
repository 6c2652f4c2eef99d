package search

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

// spoken gives messages of a dozen words, of which some are common and most are rare, as in speech.
func spoken(n int) (all []change) {
	words := make([]string, 30_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range words {
		words[i] = fmt.Sprintf("w%x", r.IntN(1<<30))
	}
	z := rand.NewZipf(r, 1.1, 5, uint64(len(words)-1))
	for i := range n {
		var text []string
		for range 12 {
			text = append(text, words[z.Uint64()])
		}
		all = append(all, change{
			kind: changeAdd, shard: "room-0", room: uint64(i % 1000), offset: uint64(i + 1), time: int64(i + 1),
			words: query.Words(strings.Join(text, " ")),
		})
	}
	return all
}

func filled(b *testing.B, n int) (*sqlite, []change) {
	b.Helper()
	e, err := openSQLite(b.Context(), b.TempDir(), DefaultBytes)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.close(); err != nil {
			b.Error(err)
		}
	})
	if _, err := e.begin(b.Context(), "room-0", "epoch", 0); err != nil {
		b.Fatal(err)
	}
	all := spoken(n)
	for i := 0; i < n; i += maxBatch {
		if err := e.apply(b.Context(), all[i:min(i+maxBatch, n)]); err != nil {
			b.Fatal(err)
		}
	}
	return e, all
}

// BenchmarkIndex writes messages in batches as a busy node does.
func BenchmarkIndex(b *testing.B) {
	e, _ := filled(b, 0)
	all := spoken(b.N)
	b.ResetTimer()
	for i := 0; i < b.N; i += maxBatch {
		if err := e.apply(b.Context(), all[i:min(i+maxBatch, b.N)]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(e.size().bytes)/float64(b.N), "disk-B/message")
}

// BenchmarkRemove takes messages away, one in a transaction.
func BenchmarkRemove(b *testing.B) {
	const messages = 20_000
	e, all := filled(b, messages)
	b.ResetTimer()
	for i := range b.N {
		gone := change{kind: changeRemove, shard: "room-0", offset: uint64(messages + i + 1), target: all[i*7919%messages].offset}
		if err := e.apply(b.Context(), []change{gone}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFind looks for common and rare words in one room, in many, and in all.
func BenchmarkFind(b *testing.B) {
	const messages = 100_000
	e, all := filled(b, messages)
	common, rare := all[0].words[0], all[0].words[1]
	for _, w := range all {
		for _, word := range w.words {
			if len(word) > 0 && strings.HasSuffix(word, "7") {
				rare = word
			}
		}
	}
	for name, q := range map[string]query.Query{"common": {{common}}, "rare": {{rare}}, "both": {{common}, {rare}}} {
		for _, rooms := range []int{1, 30, 1000} {
			b.Run(fmt.Sprintf("%s/%d rooms", name, rooms), func(b *testing.B) {
				w := wanted{Shard: "room-0", Query: q, Before: 1 << 40, Limit: 20}
				for i := range rooms {
					w.Rooms = append(w.Rooms, uint64(i))
				}
				for range b.N {
					if _, err := e.find(b.Context(), w); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
