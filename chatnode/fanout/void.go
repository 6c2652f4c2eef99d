package fanout

import (
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// dropVoid lets go of messages that the log erases: the former words of what was edited, and everything of what was deleted, as soon as
// the event has passed. Something is looked for only if there is such an event among those that are new.
func (g *ring) dropVoid(news []*backbone.Message) {
	voids := func(m *backbone.Message) bool {
		return m.Note.Kind == backbone.NoteEdit || m.Note.Kind == backbone.NoteDelete
	}
	if !slices.ContainsFunc(news, voids) {
		return
	}
	edited, deleted := map[uint64]uint64{}, map[uint64]bool{}
	for _, m := range g.messages {
		switch m.Note.Kind {
		case backbone.NoteEdit:
			edited[m.Note.Target] = m.Offset
		case backbone.NoteDelete:
			deleted[m.Note.Target] = true
		}
	}
	kept := make([]*backbone.Message, 0, len(g.messages))
	for _, m := range g.messages {
		var void bool
		switch m.Note.Kind {
		case backbone.NoteMessage:
			void = deleted[m.Offset] || edited[m.Offset] > 0
		case backbone.NoteEdit:
			void = deleted[m.Note.Target] || edited[m.Note.Target] > m.Offset
		case backbone.NoteReaction:
			void = deleted[m.Note.Target]
		}
		if void {
			g.bytes -= m.Size()
		} else {
			kept = append(kept, m)
		}
	}
	if len(kept) < len(g.messages) {
		g.messages = kept
	}
	if len(g.messages) == 0 {
		g.messages = nil
	}
}
