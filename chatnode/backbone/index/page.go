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
	// Note is what the feed keeps of the message beside its place; the zero Note takes no room.
	Note Note
}

// MaxSeq is the greatest sequence that an index can hold.
const MaxSeq = 1<<62 - 1

// idHorizon is how long ids are kept, counted back from a page's newest entry: retries that are older than a day are refused
// before anybody looks for them.
const idHorizon = 25 * time.Hour

// maxEntryBytes is the most that one entry without a note takes in a page: two varints and an id.
const maxEntryBytes = 2*binary.MaxVarintLen64 + 8

// page is a run of one feed's entries, oldest first. Its bytes only ever grow at the end, so that a copy of the struct is a
// snapshot. The same bytes stand in the store.
type page struct {
	// number is how many pages of the feed lie before this one.
	number uint64
	// links lead to earlier pages, newest first (see chain.go). Shared between pages, never changed.
	links       []link
	count       int
	first, last place
	senders     senders
	buf         []byte
}

// place is an entry without its note.
type place struct {
	Seq  uint64
	Time int64
	ID   uint64
}

func (p place) entry() Entry { return Entry{Seq: p.Seq, Time: p.Time, ID: p.ID} }

// append adds an entry, which must be newer than the last one.
func (p *page) append(e Entry) {
	at := place{Seq: e.Seq, Time: e.Time, ID: e.ID}
	if p.count == 0 {
		p.first, p.last = at, place{Seq: e.Seq, Time: e.Time}
	}
	most := maxEntryBytes + e.Note.maxBytes()
	if cap(p.buf)-len(p.buf) < most {
		p.grow(e.Time, most)
	}
	seq := (e.Seq - p.last.Seq) << 2
	if e.ID != 0 {
		seq |= hasID
	}
	if e.Note.Kind != 0 {
		seq |= hasNote
	}
	p.buf = binary.AppendUvarint(p.buf, seq)
	p.buf = binary.AppendVarint(p.buf, e.Time-p.last.Time)
	if e.ID != 0 {
		p.buf = binary.LittleEndian.AppendUint64(p.buf, e.ID)
	}
	if e.Note.Kind != 0 {
		p.buf = p.senders.append(p.buf, e.Note)
	}
	p.last = at
	p.count++
}

// What the low bits of an entry's first number say.
const (
	hasID   = 1
	hasNote = 2
)

// grow makes room for one more entry, and uses the occasion of the copy to drop ids that nobody asks for any more.
func (p *page) grow(now int64, by int) {
	if cutoff := now - idHorizon.Milliseconds(); p.count > 0 && p.first.Time < cutoff {
		p.buf = p.withoutIDs(cutoff)
	}
	p.buf = append(make([]byte, 0, len(p.buf)+len(p.buf)/4+by+16), p.buf...)
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
		d := p.decoder()
		for len(d.rest) > 0 {
			if e, ok := d.next(); !ok || !yield(e) {
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

// decoder takes entries off the front of a page's bytes.
type decoder struct {
	rest    []byte
	last    place
	senders senders
}

// decoder begins before the page's first entry.
func (p *page) decoder() decoder {
	return decoder{rest: p.buf, last: place{Seq: p.first.Seq, Time: p.first.Time}}
}

// next decodes one entry; false if the bytes hold none.
func (d *decoder) next() (Entry, bool) {
	seq, n := binary.Uvarint(d.rest)
	if n <= 0 || seq>>2 > MaxSeq-d.last.Seq {
		return Entry{}, false
	}
	d.rest = d.rest[n:]
	delta, n := binary.Varint(d.rest)
	if n <= 0 {
		return Entry{}, false
	}
	d.rest = d.rest[n:]
	e := Entry{Seq: d.last.Seq + seq>>2, Time: d.last.Time + delta}
	if seq&hasID != 0 {
		if len(d.rest) < 8 {
			return Entry{}, false
		}
		e.ID = binary.LittleEndian.Uint64(d.rest)
		d.rest = d.rest[8:]
	}
	d.last = place{Seq: e.Seq, Time: e.Time, ID: e.ID}
	if seq&hasNote != 0 {
		var ok bool
		if e.Note, d.rest, ok = d.senders.next(d.rest); !ok {
			return Entry{}, false
		}
	}
	return e, true
}
