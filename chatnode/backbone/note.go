package backbone

import (
	"hash/fnv"
	"strconv"
	"strings"
)

// NoteKind says what a message is to those who list and count messages.
type NoteKind uint8

const (
	// NoteNone is everything that is never listed nor counted: who came and went, settings, and what has no note.
	NoteNone NoteKind = iota
	// NoteMessage is a message that people read.
	NoteMessage
	// NoteEdit replaces the words of a message, which are erased from the log then.
	NoteEdit
	// NoteDelete takes a message back: it is erased from the log with its edits and reactions.
	NoteDelete
	// NoteReaction belongs to a message, and goes with it.
	NoteReaction
	noteKinds
)

// Note is what the owner of a shard keeps of a message beside its place, so that it can list and count without reading the log.
type Note struct {
	Kind NoteKind
	// Target is, of an edit, a deletion or a reaction, the offset of the message that it concerns; of a message, that of its
	// thread's first message, 0 if it is in none.
	Target uint64
	// Thread is, of an edit or a deletion, the thread (as Target says it) of the message that it concerns. An index that is built
	// again from the log knows only from here where the message belonged, since that itself is erased.
	Thread uint64
	// Sender is the NameHash of the message's sender; of an edit or a deletion, the sender of the message that it concerns.
	Sender uint64
	// Mentions are the NameHashes of those whom a message, or an edit, mentions; at most MaxMentions count.
	Mentions []uint64
}

// MaxMentions is how many mentions of one message count.
const MaxMentions = 100

// NameHash is the hash by which notes know a user: FNV-1a of the name, never 0.
func NameHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return max(h.Sum64(), 1)
}

// noteHeader is the header of a stored message with its note.
const noteHeader = "Note"

// String is the note as it is stored: kind, target, thread, sender and mentions in base 36, with spaces between; "" without a kind.
func (n Note) String() string {
	if n.Kind == NoteNone {
		return ""
	}
	b := make([]byte, 0, 32+14*len(n.Mentions))
	for i, v := range append([]uint64{uint64(n.Kind), n.Target, n.Thread, n.Sender}, n.Mentions[:min(len(n.Mentions), MaxMentions)]...) {
		if i > 0 {
			b = append(b, ' ')
		}
		b = strconv.AppendUint(b, v, 36)
	}
	return string(b)
}

// parseNote is the inverse of String. What can't be read, perhaps since it was written by a later version, is no note.
func parseNote(s string) Note {
	if s == "" {
		return Note{}
	}
	var values [4 + MaxMentions]uint64
	n := 0
	for field := range strings.SplitSeq(s, " ") {
		v, err := strconv.ParseUint(field, 36, 64)
		if err != nil || n == len(values) {
			return Note{}
		}
		values[n] = v
		n++
	}
	if n < 4 || values[0] == 0 || values[0] >= uint64(noteKinds) {
		return Note{}
	}
	note := Note{Kind: NoteKind(values[0]), Target: values[1], Thread: values[2], Sender: values[3]}
	if n > 4 {
		note.Mentions = append([]uint64(nil), values[4:n]...)
	}
	return note
}
