package index

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

func BenchmarkAddHot(b *testing.B) {
	for _, feeds := range []int{1, 1000, 20_000} {
		b.Run(fmt.Sprint(feeds, " feeds"), func(b *testing.B) {
			x := open(b, newDisk().open(), Options{Term: 1, MaxBytes: 1 << 40})
			defer x.Close()
			names := make([]string, feeds)
			for i := range names {
				names[i] = fmt.Sprintf("ZGVmYXVsdA.cm9vbTpsb2Ji%d", i)
			}
			seq := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				seq++
				e := Entry{Seq: seq, Time: startMillis + int64(seq), ID: seq * 0x9e3779b97f4a7c15}
				if _, _, err := x.Add(names[seq*7919%uint64(feeds)], e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAddCold adds to feeds that are in the bucket of a real server.
func BenchmarkAddCold(b *testing.B) {
	for name, prefetch := range map[string]bool{"one by one": false, "prefetched by 500": true} {
		b.Run(name, func(b *testing.B) {
			const feeds = 1000
			store, _ := kv(b)
			names := make([]string, feeds)
			for i := range names {
				names[i] = fmt.Sprint("ZGVmYXVsdA.feed", i)
			}
			x := open(b, store, Options{Term: 1})
			hear(b, x, 1, 100*feeds, names...)
			if err := x.Checkpoint(b.Context(), MaxSeq); err != nil {
				b.Fatal(err)
			}
			x.Close()
			term, seq := uint64(1), uint64(100*feeds)
			for i := 0; b.Loop(); i++ {
				if i%feeds == 0 {
					b.StopTimer()
					x.Close()
					term++
					x = open(b, store, Options{Term: term, Last: 100 * feeds, AddTimeout: time.Minute})
					seq = 100 * feeds
					b.StartTimer()
				}
				if prefetch && i%500 == 0 {
					if err := x.Prefetch(b.Context(), names[i%feeds:][:500]); err != nil {
						b.Fatal(err)
					}
				}
				seq++
				if _, known, err := x.Add(names[i%feeds], Entry{Seq: seq, Time: startMillis + int64(seq), ID: seq}); !known || err != nil {
					b.Fatal(known, err)
				}
			}
			x.Close()
		})
	}
}

func BenchmarkRead(b *testing.B) {
	const last = 1_000_000
	x := open(b, newDisk().open(), Options{Term: 1})
	defer x.Close()
	hear(b, x, 1, last, "a", "b", "c", "d")
	if err := x.Checkpoint(b.Context(), MaxSeq); err != nil {
		b.Fatal(err)
	}
	for _, limit := range []int{50, 1000} {
		b.Run(fmt.Sprint("before, newest ", limit), func(b *testing.B) {
			for b.Loop() {
				if got, _, _, err := x.Before(b.Context(), "a", 0, limit); len(got) != limit || err != nil {
					b.Fatal(len(got), err)
				}
			}
		})
		b.Run(fmt.Sprint("after, anywhere ", limit), func(b *testing.B) {
			for b.Loop() {
				if got, _, _, err := x.After(b.Context(), "a", rand.Uint64N(last-5000), limit); len(got) != limit || err != nil {
					b.Fatal(len(got), err)
				}
			}
		})
	}
	b.Run("find in a day", func(b *testing.B) {
		for b.Loop() {
			if _, err := x.Find(b.Context(), "a", 5, time.UnixMilli(startMillis)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCheckpoint saves 20,000 messages in as many of 10,000 feeds as they happen to fall in, on a real server.
func BenchmarkCheckpoint(b *testing.B) {
	store, _ := kv(b)
	x := open(b, store, Options{Term: 1, AddTimeout: time.Minute})
	defer x.Close()
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), 1.1, 4, 9_999)
	seq := uint64(0)
	for b.Loop() {
		b.StopTimer()
		for range 20_000 {
			seq++
			if _, _, err := x.Add(fmt.Sprint("ZGVmYXVsdA.feed", zipf.Uint64()), Entry{Seq: seq, Time: startMillis + int64(seq), ID: seq}); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if err := x.Checkpoint(b.Context(), MaxSeq); err != nil {
			b.Fatal(err)
		}
	}
	s := x.Stats()
	b.ReportMetric(float64(s.BytesWritten)/float64(b.N), "bytes/op")
	b.ReportMetric(float64(s.Writes)/float64(b.N), "writes/op")
}

// BenchmarkMemory says what an entry takes, alone and with its note in a derived feed, and how far the index's own count is from the truth.
func BenchmarkMemory(b *testing.B) {
	for name, feeds := range map[string]uint64{"100 feeds of 10,000": 100, "20,000 feeds of 50": 20_000, "200,000 feeds of 5": 200_000} {
		for kind, senders := range map[string]uint64{"without notes": 0, "with notes of 2 senders": 2, "with notes of 50 senders": 50} {
			b.Run(name+" "+kind, func(b *testing.B) { benchmarkMemory(b, feeds, senders) })
		}
	}
}

func benchmarkMemory(b *testing.B, feeds, senders uint64) {
	const entries = 1_000_000
	names := make([]string, feeds)
	for i := range names {
		names[i] = fmt.Sprintf("ZGVmYXVsdA.cm9vbTpsb2Ji%06d", i)
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := open(b, newDisk().open(), Options{Term: 1, MaxBytes: 1 << 40})
		for seq := uint64(1); seq <= entries; seq++ {
			e := Entry{Seq: seq, Time: startMillis + int64(seq)*20, ID: seq * 0x9e3779b97f4a7c15}
			if _, _, err := x.Add(names[seq%feeds], e); err != nil {
				b.Fatal(err)
			}
			if senders == 0 {
				continue
			}
			e.ID, e.Note = 0, Note{Kind: 1, Sender: (1 + (seq*0x9e3779b97f4a7c15>>33)%senders) << 40}
			if err := x.Extend(names[seq%feeds]+".m", e); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/entries, "heap-bytes/entry")
		b.ReportMetric(float64(x.Stats().Bytes)/entries, "counted-bytes/entry")
		if err := x.Checkpoint(b.Context(), MaxSeq); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(x.Stats().BytesWritten)/entries, "stored-bytes/entry")
		x.Close()
	}
}
