package chat

import (
	"context"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// target is a message of a room that somebody wants to change, or to react to.
type target struct {
	standing
	entry backbone.Entry
	// id, sender and sent are those of the message; thread is the one that it belongs to.
	id, sender string
	sent       int64
	thread     uint64
	// last is the event with the newest words, or the deletion.
	last    Event
	deleted bool
}

// target finds a message that the actor may read. Errors: those of stand, Denied, NotFound.
func (s *Service) target(ctx context.Context, a Actor, room string, offset uint64) (*target, error) {
	st, err := s.allow(ctx, a, room, toRead)
	if err != nil {
		return nil, err
	}
	none := failf(NotFound, "there is no message at offset %d of %s", offset, room)
	if offset <= st.floor() {
		return nil, none
	}
	entry, ok, err := s.log.Entry(ctx, st.feed, offset)
	if err != nil {
		return nil, fromLog(err)
	}
	t := &target{standing: st, entry: entry, deleted: entry.Deleted != nil}
	event := entry.Message
	if t.deleted {
		event = entry.Deleted
	}
	if !ok || event == nil {
		return nil, none
	}
	if err := json.Unmarshal(event.Data, &t.last); err != nil {
		return nil, fromLog(err)
	}
	t.thread = t.last.Thread
	switch t.last.Type {
	case eventMessage:
		t.id, t.sender, t.sent = t.last.ID, t.last.Sender, t.last.Time
	case eventDelete:
		t.id, t.sender, t.sent = t.last.Of, t.last.Author, t.last.Sent
	default:
		t.id, t.sender, t.sent = t.last.Of, t.last.Sender, t.last.Sent
	}
	return t, nil
}

// own says whether the actor sent the message.
func (t *target) own() bool { return !t.actor.Server && t.sender == t.actor.User }

// living refuses messages that are deleted.
func (t *target) living() error {
	if t.deleted {
		return failf(NotFound, "the message at offset %d of %s is deleted", t.entry.Offset, Channel(t.feed))
	}
	return nil
}

// event is a new one about the message.
func (t *target) event(s *Service, id, kind string) *Event {
	return &Event{
		ID: id, Type: kind, Sender: t.actor.User, Time: s.options.Now().UnixMilli(), Target: t.entry.Offset, Of: t.id, Sent: t.sent,
		Content: Content{Thread: t.thread},
	}
}

// store brings an event about the message on its way, and waits until it is stored. The id may have been used for something else, which
// the log takes for a retry: Conflict.
func (s *Service) store(ctx context.Context, t *target, r right, e *Event) (Sent, error) {
	kind, reaction, remove := e.Type, e.Reaction, e.Remove
	sent, err := s.bring(t.actor, Channel(t.feed), r, e).Wait(ctx)
	if err != nil {
		return Sent{}, err
	}
	m, err := s.log.Read(ctx, t.feed, sent.Offset)
	if err != nil {
		return Sent{}, fromLog(err)
	}
	if m == nil {
		return sent, nil // stored earlier, and replaced since
	}
	var stored Event
	if json.Unmarshal(m.Data, &stored) != nil || stored.Type != kind || stored.Target != t.entry.Offset ||
		stored.Reaction != reaction || stored.Remove != remove {
		return Sent{}, failf(Conflict, "the id %q was used for something else; make a new one", sent.ID)
	}
	return sent, nil
}
