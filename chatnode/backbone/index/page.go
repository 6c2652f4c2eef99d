package index

import (
	"encoding/binary"
	"iter"
	"time"
)

// Entry is one message of a feed.
type Entry struct {
	// Seq is the message's sequence in the shard's stream, from 1 to MaxSeq.
	Seq uint64
	// Time is when the stream stored it, in milliseconds since 1970.
	Time int64
	// ID is a 64-bit hash of the message's id; 0 means that it has none, or that it is too old to be asked for.
	ID uint64
}

// MaxSeq is the greatest sequence that an index can hold.
const MaxSeq = 1<<62 - 1

// idHorizon is how long ids are kept, counted back from a page's newest entry: retries that are older than a day are refused
// before anybody looks for them.
const idHorizon = 25 * time.Hour

// maxEntryBytes is the most that one entry takes in a page: two varints and an id.
const maxEntryBytes = 2*binary.MaxVarintLen64 + 8

// page is a run of one feed's entries, oldest first. Its bytes only ever grow at the end, so that a copy of the struct is a
// snapshot. The same bytes stand in the store.
type page struct {
	// number is how many pages of the feed lie before this one.
	number uint64
	// links lead to earlier pages, newest first (see chain.go). Shared between pages, never changed.
	links       []link
	count       int
	first, last Entry
	buf         []byte
}

// append adds an entry, which must be newer than the last one.
func (p *page) append(e Entry) {
	if p.count == 0 {
		p.first, p.last = e, Entry{Seq: e.Seq, Time: e.Time}
	}
	if cap(p.buf)-len(p.buf) < maxEntryBytes {
		p.grow(e.Time)
	}
	seq := (e.Seq - p.last.Seq) << 1
	if e.ID != 0 {
		seq |= 1
	}
	p.buf = binary.AppendUvarint(p.buf, seq)
	p.buf = binary.AppendVarint(p.buf, e.Time-p.last.Time)
	if e.ID != 0 {
		p.buf = binary.LittleEndian.AppendUint64(p.buf, e.ID)
	}
	p.last = e
	p.count++
}

// grow makes room for one more entry, and uses the occasion of the copy to drop ids that nobody asks for any more.
func (p *page) grow(now int64) {
	if cutoff := now - idHorizon.Milliseconds(); p.count > 0 && p.first.Time < cutoff {
		p.buf = p.withoutIDs(cutoff)
	}
	p.buf = append(make([]byte, 0, len(p.buf)+len(p.buf)/4+maxEntryBytes+16), p.buf...)
}

// withoutIDs is the page's bytes with no id in entries older than the cutoff.
func (p *page) withoutIDs(cutoff int64) []byte {
	slim := page{buf: make([]byte, 0, len(p.buf)+maxEntryBytes)}
	for e := range p.all() {
		if e.Time < cutoff {
			e.ID = 0
		}
		slim.append(e)
	}
	return slim.buf
}

// fit gives back the memory that the page, being full, doesn't need, and its old ids.
func (p *page) fit() {
	p.buf = append([]byte(nil), p.withoutIDs(p.last.Time-idHorizon.Milliseconds())...)
}

// all iterates over the entries, oldest first.
func (p *page) all() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		e, rest := Entry{Seq: p.first.Seq, Time: p.first.Time}, p.buf
		for len(rest) > 0 {
			var ok bool
			if e, rest, ok = nextEntry(rest, e); !ok || !yield(e) {
				return
			}
		}
	}
}

// upTo is the page without the entries after the sequence, in its own memory.
func (p *page) upTo(seq uint64) page {
	if p.last.Seq <= seq {
		return *p
	}
	short := page{number: p.number, links: p.links}
	for e := range p.all() {
		if e.Seq > seq {
			break
		}
		short.append(e)
	}
	return short
}

// nextEntry decodes the entry at the start of the bytes, which follows prev.
func nextEntry(buf []byte, prev Entry) (Entry, []byte, bool) {
	seq, n := binary.Uvarint(buf)
	if n <= 0 || seq>>1 > MaxSeq-prev.Seq {
		return Entry{}, nil, false
	}
	buf = buf[n:]
	delta, n := binary.Varint(buf)
	if n <= 0 {
		return Entry{}, nil, false
	}
	buf = buf[n:]
	e := Entry{Seq: prev.Seq + seq>>1, Time: prev.Time + delta}
	if seq&1 == 1 {
		if len(buf) < 8 {
			return Entry{}, nil, false
		}
		e.ID = binary.LittleEndian.Uint64(buf)
		buf = buf[8:]
	}
	return e, buf, true
}
