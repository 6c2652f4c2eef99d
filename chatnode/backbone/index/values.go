package index

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// What is stored: a version byte, a kind byte and the index's tag (8 bytes), and then
//
//	head, page   term, number, links (first, term)…, count, first sequence, first time, entries
//	checkpoint   term, first known sequence, covered sequence, incarnation
//
// with all numbers as varints. Version 1 knew no notes: its index is not continued but started anew, since an owner of that version
// may have passed messages with notes. The shard's stream is read again then, once, before the first answer.
const (
	version        = 2
	maxPages       = 1 << 53
	kindHead       = 'h'
	kindPage       = 'p'
	kindCheckpoint = 'c'
	headerBytes    = 10
)

var (
	errMalformed = errors.New("malformed index value")
	// errForeign says that a value is in the form of another version, and so of an index that doesn't count.
	errForeign = errors.New("an index value of another version")
)

// checkpoint is the record that says how far the stored index is complete, and who owns it.
type checkpoint struct {
	// tag distinguishes this index from others of the same shard: those of another incarnation of the stream, and those that
	// were started again from nothing. Heads and pages with another tag don't count.
	tag  uint64
	term uint64
	// from and covered are the first and the last sequence between which the index knows all messages.
	from, covered uint64
	incarnation   string
}

func header(kind byte, tag uint64) []byte {
	return binary.LittleEndian.AppendUint64([]byte{version, kind}, tag)
}

func (c checkpoint) encode() []byte {
	b := header(kindCheckpoint, c.tag)
	b = binary.AppendUvarint(b, c.term)
	b = binary.AppendUvarint(b, c.from)
	b = binary.AppendUvarint(b, c.covered)
	return append(b, c.incarnation...)
}

func decodeCheckpoint(value []byte) (checkpoint, error) {
	tag, r := readHeader(value, kindCheckpoint)
	c := checkpoint{tag: tag, term: r.uvarint(), from: r.uvarint(), covered: r.uvarint()}
	c.incarnation = string(r.rest)
	if r.bad || c.covered > MaxSeq || c.from > MaxSeq {
		return checkpoint{}, errMalformed
	}
	return c, nil
}

func (p *page) encode(kind byte, tag, term uint64) []byte {
	b := make([]byte, 0, headerBytes+64+len(p.links)*8+len(p.buf))
	b = append(b, header(kind, tag)...)
	b = binary.AppendUvarint(b, term)
	b = binary.AppendUvarint(b, p.number)
	for _, l := range p.links {
		b = binary.AppendUvarint(b, l.first)
		b = binary.AppendUvarint(b, l.term)
	}
	b = binary.AppendUvarint(b, uint64(p.count))
	b = binary.AppendUvarint(b, p.first.Seq)
	b = binary.AppendVarint(b, p.first.Time)
	return append(b, p.buf...)
}

// decodePage gives the page, which keeps the value's bytes, with the tag and the term of its writer.
func decodePage(value []byte, kind byte) (p page, tag, term uint64, err error) {
	if len(value) >= headerBytes && value[0] != version && value[1] == kind {
		return page{}, 0, 0, errForeign
	}
	tag, r := readHeader(value, kind)
	term, p.number = r.uvarint(), r.uvarint()
	if p.number > maxPages {
		return page{}, 0, 0, errMalformed
	}
	for range bits.OnesCount64(p.number) {
		l := link{r.uvarint(), r.uvarint()}
		if n := len(p.links); n > 0 && l.first >= p.links[n-1].first {
			r.bad = true
		}
		p.links = append(p.links, l)
	}
	count := r.uvarint()
	p.first = place{Seq: r.uvarint(), Time: r.varint()}
	if r.bad || p.first.Seq == 0 || p.first.Seq > MaxSeq || len(p.links) > 0 && p.links[0].first >= p.first.Seq {
		return page{}, 0, 0, errMalformed
	}
	p.buf = r.rest[:len(r.rest):len(r.rest)]
	if !p.check() || uint64(p.count) != count {
		return page{}, 0, 0, errMalformed
	}
	return p, tag, term, nil
}

// check reads all entries, fills in what follows from them, and says whether they are well formed and in order.
func (p *page) check() bool {
	p.last = p.first
	d := p.decoder()
	for ; len(d.rest) > 0; p.count++ {
		e, ok := d.next()
		if !ok || (e.Seq == p.last.Seq) != (p.count == 0) {
			return false
		}
		if p.count == 0 {
			if e.Time != p.first.Time {
				return false
			}
			p.first = d.last
		}
		p.last = d.last
	}
	p.senders = d.senders
	return p.count > 0
}

// reader takes numbers off the front of a value and remembers if one was missing.
type reader struct {
	rest []byte
	bad  bool
}

func readHeader(value []byte, kind byte) (tag uint64, r *reader) {
	if len(value) < headerBytes || value[0] != version || value[1] != kind {
		return 0, &reader{bad: true}
	}
	return binary.LittleEndian.Uint64(value[2:]), &reader{rest: value[headerBytes:]}
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	r.take(n)
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	r.take(n)
	return v
}

func (r *reader) take(n int) {
	if n <= 0 {
		r.bad, r.rest = true, nil
		return
	}
	r.rest = r.rest[n:]
}
