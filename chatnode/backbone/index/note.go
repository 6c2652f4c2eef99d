package index

import "encoding/binary"

// Note is what a feed keeps of a message beside its place. The index gives it back as it was; what it means is the caller's.
type Note struct {
	// Kind is from 1 to MaxKind; a note of kind 0 is none.
	Kind uint8
	// Target is a number that belongs to the message, often another message's sequence.
	Target uint64
	// Sender and Mentions are hashes.
	Sender   uint64
	Mentions []uint64
}

// MaxKind is the greatest kind of a note.
const MaxKind = 7

// A note begins with a byte: the kind, where its sender stands, and what follows.
const (
	senderShift  = 3
	senderLast   = 1 // the sender is that of the note before
	senderOther  = 2 // the one before that who is not the same
	senderNew    = 3 // 8 bytes
	senderMask   = 3
	hasTarget    = 1 << 5
	hasMentions  = 1 << 6
	mostMentions = 1 << 16
)

// maxBytes is the most that the note takes in a page.
func (n *Note) maxBytes() int {
	if n.Kind == 0 {
		return 0
	}
	return 1 + 8 + 2*binary.MaxVarintLen64 + 8*len(n.Mentions)
}

// senders are the last two different senders of a page's notes: most conversations are between two, or one speaks for a while.
type senders struct{ last, other uint64 }

// append writes a note.
func (s *senders) append(b []byte, n Note) []byte {
	first, at := n.Kind&MaxKind, len(b)
	b = append(b, 0)
	switch {
	case n.Sender == s.last:
		first |= senderLast << senderShift
	case n.Sender == s.other:
		first |= senderOther << senderShift
		s.last, s.other = s.other, s.last
	default:
		first |= senderNew << senderShift
		b = binary.LittleEndian.AppendUint64(b, n.Sender)
		s.last, s.other = n.Sender, s.last
	}
	if n.Target != 0 {
		first |= hasTarget
		b = binary.AppendUvarint(b, n.Target)
	}
	if len(n.Mentions) > 0 {
		first |= hasMentions
		b = binary.AppendUvarint(b, uint64(len(n.Mentions)))
		for _, m := range n.Mentions {
			b = binary.LittleEndian.AppendUint64(b, m)
		}
	}
	b[at] = first
	return b
}

// next decodes the note at the start of the bytes, and gives what follows it.
func (s *senders) next(b []byte) (n Note, rest []byte, ok bool) {
	if len(b) == 0 {
		return Note{}, nil, false
	}
	r := reader{rest: b[1:]}
	first := b[0]
	n.Kind = first & MaxKind
	switch first >> senderShift & senderMask {
	case senderLast:
	case senderOther:
		s.last, s.other = s.other, s.last
	case senderNew:
		s.last, s.other = r.fixed(), s.last
	default:
		return Note{}, nil, false
	}
	n.Sender = s.last
	if first&hasTarget != 0 {
		n.Target = r.uvarint()
	}
	if first&hasMentions != 0 {
		count := r.uvarint()
		if count > mostMentions || count*8 > uint64(len(r.rest)) {
			return Note{}, nil, false
		}
		n.Mentions = make([]uint64, count)
		for i := range n.Mentions {
			n.Mentions[i] = r.fixed()
		}
	}
	return n, r.rest, !r.bad && n.Kind != 0
}

// fixed takes 8 bytes.
func (r *reader) fixed() uint64 {
	if len(r.rest) < 8 {
		r.take(0)
		return 0
	}
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}
