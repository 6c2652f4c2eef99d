package pull

import (
	"encoding/binary"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// hearing is the fanout.Encoder of strips: what they have to know of a chat's new events.
type hearing struct{}

// What an event is to a strip.
const (
	// heardMessage is a new message, heardChange changes older ones, and heardElse does neither.
	heardMessage = 'M'
	heardChange  = 'C'
	heardElse    = 'E'
)

// heard is one event.
type heard struct {
	kind         byte
	offset, time uint64
	event        []byte // as it is stored, of a message
}

// Messages implements fanout.Encoder: of each event its kind, its offset, its time and what is stored, with the length before it.
func (hearing) Messages(_ backbone.Feed, batch []*backbone.Message) (wire []byte) {
	for _, m := range batch {
		h := heard{heardElse, m.Offset, uint64(m.Time), nil}
		switch m.Note.Kind {
		case backbone.NoteMessage:
			h.kind, h.event = heardMessage, m.Data
		case backbone.NoteEdit, backbone.NoteDelete:
			h.kind = heardChange
		}
		wire = append(wire, h.kind)
		wire = binary.AppendUvarint(wire, h.offset)
		wire = binary.AppendUvarint(wire, h.time)
		wire = binary.AppendUvarint(wire, uint64(len(h.event)))
		wire = append(wire, h.event...)
	}
	return wire
}

// nextHeard takes an event off what Messages wrote.
func nextHeard(wire []byte) (h heard, rest []byte) {
	h.kind, wire = wire[0], wire[1:]
	number := func() uint64 {
		v, n := binary.Uvarint(wire)
		wire = wire[n:]
		return v
	}
	h.offset, h.time = number(), number()
	size := number()
	h.event, rest = wire[:size], wire[size:]
	return h, rest
}

// Signal implements fanout.Encoder: strips hear of nothing that isn't stored.
func (hearing) Signal(backbone.Feed, []byte) []byte { return nil }

// Join implements fanout.Encoder.
func (hearing) Join(backbone.Feed, []byte) []byte { return nil }

// Leave implements fanout.Encoder.
func (hearing) Leave(backbone.Feed, []byte) []byte { return nil }
