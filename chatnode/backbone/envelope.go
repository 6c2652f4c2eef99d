package backbone

import (
	"encoding/binary"
	"errors"
)

// What a payload on a live subject is: its first byte.
const (
	liveMessage = 'M'
	liveNoted   = 'N'
	liveSignal  = 'S'
)

var errEnvelope = errors.New("malformed live envelope")

// appendEnvelope writes a stored message as it travels on a live subject: 'M', then as varints the dispatcher's term, the offset,
// the previous offset plus one (0: unknown), the time and the length of the info; then info and data. A message with a note begins
// with 'N' and has the note, with its length before it, after the info.
func appendEnvelope(dst []byte, term uint64, m *Message) []byte {
	note, kind := m.Note.String(), byte(liveMessage)
	if note != "" {
		kind = liveNoted
	}
	dst = append(dst, kind)
	dst = binary.AppendUvarint(dst, term)
	dst = binary.AppendUvarint(dst, m.Offset)
	dst = binary.AppendUvarint(dst, m.prev+1)
	dst = binary.AppendUvarint(dst, uint64(m.Time))
	dst = binary.AppendUvarint(dst, uint64(len(m.Info)))
	dst = append(dst, m.Info...)
	if note != "" {
		dst = appendString(dst, note)
	}
	return append(dst, m.Data...)
}

// parseEnvelope is the inverse of appendEnvelope. The message refers to the bytes of b.
func parseEnvelope(b []byte) (term uint64, m *Message, err error) {
	if len(b) == 0 || b[0] != liveMessage && b[0] != liveNoted {
		return 0, nil, errEnvelope
	}
	r := cursor{rest: b[1:]}
	term = r.uvarint()
	m = &Message{Offset: r.uvarint(), prev: r.uvarint() - 1, Time: int64(r.uvarint())}
	if info := r.bytes(); len(info) > 0 {
		m.Info = info
	}
	if b[0] == liveNoted {
		m.Note = parseNote(r.string())
	}
	m.Data = r.rest
	if r.bad {
		return 0, nil, errEnvelope
	}
	return term, m, nil
}

// cursor reads varints and byte strings off a buffer; it remembers that the buffer was too short, so that callers check once.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) bytes() []byte {
	n := c.uvarint()
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) string() string { return string(c.bytes()) }

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}
