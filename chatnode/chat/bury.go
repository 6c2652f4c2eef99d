package chat

import (
	"context"
	"encoding/json"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// deletionOf is a deletion by a server of the message that an event, as it is stored, says: the message itself, or its newest edit.
func deletionOf(m *backbone.Message, said *Event) *Event {
	d := &Event{Type: eventDelete, Target: m.Offset, Of: said.ID, Sent: said.Time, Content: Content{Thread: said.Thread}}
	if said.Type == eventEdit {
		d.Target, d.Of, d.Sent = said.Target, said.Of, said.Sent
	}
	return d
}

// noteAs stores an event of a server in a room's log, with a note of its own. Events of one id are stored once.
func (s *Service) noteAs(ctx context.Context, feed backbone.Feed, e *Event, note backbone.Note) (backbone.Receipt, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return backbone.Receipt{}, fromLog(err)
	}
	receipt, err := s.log.Enqueue(feed, backbone.Draft{ID: e.ID, Sender: serverSender, Data: data, Note: note}).Wait(ctx)
	return receipt, fromLog(err)
}

// erasingMany is how many of very many events are erased at a time. For each, the server writes a whole block of the stream anew, which takes
// tens of milliseconds, and all its other answers wait behind.
const erasingMany = 2

// eraseMany erases events of a feed, slowly.
func (s *Service) eraseMany(ctx context.Context, feed backbone.Feed, offsets []uint64) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(erasingMany)
	for _, offset := range offsets {
		work.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return s.log.Erase(ctx, feed, offset)
		})
	}
	return fromLog(work.Wait())
}

func offsetsOf(events []*backbone.Message) []uint64 {
	offsets := make([]uint64, len(events))
	for i, m := range events {
		offsets[i] = m.Offset
	}
	return offsets
}
