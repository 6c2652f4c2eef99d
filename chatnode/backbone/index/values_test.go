package index

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

// grown is a page with that many entries, after some full ones.
func grown(entries int) page {
	f := newFeed("a")
	for i := range uint64(entries) {
		e := Entry{Seq: 3 + i*i, Time: int64(i*7) - 5, ID: i % 4 * 1e18}
		if i%5 > 0 {
			e.Note = Note{Kind: uint8(i % 5), Target: i % 3 * i, Sender: []uint64{7, 8, 7, 9, 7, 8, 0}[i%7] << 50}
		}
		if i%6 == 1 {
			e.Note.Mentions = []uint64{i, 1 << 63}
		}
		f.add(e, 8, 300)
	}
	return f.head
}

func TestPageComesBackFromItsBytes(t *testing.T) {
	for _, entries := range []int{1, 2, 8, 9, 60, 1000} {
		p := grown(entries)
		got, tag, term, err := decodePage(p.encode(kindHead, 77, 5), kindHead)
		if err != nil || tag != 77 || term != 5 {
			t.Fatalf("%d entries: tag %d, term %d, error %v", entries, tag, term, err)
		}
		if got.number != p.number || !slices.Equal(got.links, p.links) || got.first != p.first || got.last != p.last || got.senders != p.senders || got.count != p.count ||
			!reflect.DeepEqual(slices.Collect(got.all()), slices.Collect(p.all())) {
			t.Fatalf("%+v came back as %+v", p, got)
		}
	}
}

func FuzzDecodePage(f *testing.F) {
	for _, entries := range []int{1, 9, 60} {
		p := grown(entries)
		f.Add(p.encode(kindPage, 1, 2))
	}
	f.Add([]byte{version, kindPage})
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Fuzz(func(t *testing.T, value []byte) {
		p, tag, term, err := decodePage(value, kindPage)
		if err != nil {
			return
		}
		last, n := uint64(0), 0
		for e := range p.all() {
			if e.Seq <= last || e.Seq > MaxSeq {
				t.Fatalf("sequence %d after %d", e.Seq, last)
			}
			last, n = e.Seq, n+1
		}
		if n != p.count || n == 0 || last != p.last.Seq {
			t.Fatalf("%d entries up to %d, announced %d up to %d", n, last, p.count, p.last.Seq)
		}
		again, _, _, err := decodePage(p.encode(kindPage, tag, term), kindPage)
		if err != nil || !reflect.DeepEqual(slices.Collect(again.all()), slices.Collect(p.all())) {
			t.Fatalf("encoded again it is another page: %v", err)
		}
		p.append(Entry{Seq: p.last.Seq + 1, Time: p.last.Time})
		next := p.next(term)
		_ = next.towards(0)
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	f.Add(checkpoint{tag: 1, term: 2, from: 3, covered: 4, incarnation: "five"}.encode())
	f.Add([]byte{version, kindCheckpoint})
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := decodeCheckpoint(value)
		if err != nil {
			return
		}
		if again, err := decodeCheckpoint(c.encode()); err != nil || again != c {
			t.Fatalf("%+v came back as %+v, %v", c, again, err)
		}
	})
}
