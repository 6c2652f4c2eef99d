package push

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"maps"
	"slices"
)

// position is a place in everything that others write to a user directly: what is before it has been received. A user's direct conversations
// live in many parts of the log, each in one order; so a position has a mark in each of those parts.
//
// As text it is the Etag of a message, from which any node goes on.
type position struct {
	// time is that of the newest message, in seconds since 1970: its Last-Modified.
	time  int64
	marks map[int]mark // by the number of the part
}

// mark is a place in one part of the log.
type mark struct {
	offset uint64
	// epoch is a hash of the name of the part's incarnation: in another one the offset says nothing.
	epoch uint32
}

func hashed(epoch string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(epoch))
	return h.Sum32()
}

var errPosition = errors.New("the Etag is none of ours")

// Bounds of a position as text.
const (
	maxPosition = 16 << 10 // characters
	maxPart     = 1 << 16
)

// MarshalText gives the text.
func (p position) MarshalText() ([]byte, error) {
	b := binary.AppendUvarint(nil, uint64(p.time))
	for _, part := range slices.Sorted(maps.Keys(p.marks)) {
		m := p.marks[part]
		b = binary.AppendUvarint(b, uint64(part))
		b = binary.AppendUvarint(b, m.offset)
		b = binary.BigEndian.AppendUint32(b, m.epoch)
	}
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

func (p position) String() string {
	text, _ := p.MarshalText() // it has no errors
	return string(text)
}

// UnmarshalText takes only text that MarshalText gives.
func (p *position) UnmarshalText(text []byte) error {
	if len(text) > maxPosition {
		return errPosition
	}
	b, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return errPosition
	}
	at, n := binary.Uvarint(b)
	if n <= 0 || at > 1<<40 {
		return errPosition
	}
	read := position{time: int64(at), marks: map[int]mark{}}
	last := -1
	for b = b[n:]; len(b) > 0; {
		part, n := binary.Uvarint(b)
		if n <= 0 || part > maxPart || int(part) <= last {
			return errPosition
		}
		offset, m := binary.Uvarint(b[n:])
		if m <= 0 || len(b) < n+m+4 {
			return errPosition
		}
		last = int(part)
		read.marks[last] = mark{offset, binary.BigEndian.Uint32(b[n+m:])}
		b = b[n+m+4:]
	}
	if read.String() != string(text) {
		return errPosition
	}
	*p = read
	return nil
}

// with is the position moved on in one part, by a message of that time in milliseconds.
func (p position) with(part int, m mark, millis int64) position {
	moved := position{time: max(p.time, millis/1000), marks: maps.Clone(p.marks)}
	if moved.marks == nil {
		moved.marks = map[int]mark{}
	}
	moved.marks[part] = m
	return moved
}

// join is the position that is as far as either in every part. Where the incarnations differ, other counts.
func (p position) join(other position) position {
	joined := position{time: max(p.time, other.time), marks: maps.Clone(p.marks)}
	if joined.marks == nil {
		joined.marks = map[int]mark{}
	}
	for part, m := range other.marks {
		if mine, ok := joined.marks[part]; !ok || mine.epoch != m.epoch || mine.offset < m.offset {
			joined.marks[part] = m
		}
	}
	return joined
}

func (p position) equal(other position) bool {
	return p.time == other.time && maps.Equal(p.marks, other.marks)
}
