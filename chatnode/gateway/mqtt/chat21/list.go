package chat21

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// lookedAt is how many messages are looked at for the newest that counts.
const lookedAt = 64

// mostListed is how many conversations or messages an answer has at most.
const mostListed = 200

// Conversations lists a user's conversations that are archived, or those that are not, newest first; only that with a partner or group, if
// one is given.
func (t *Timelines) Conversations(ctx context.Context, a chat.Actor, archived bool, only string) ([]Fields, error) {
	kept, err := t.keptOf(ctx, a.App, a.User)
	if err != nil {
		return nil, err
	}
	found := []Fields{}
	q := &chatv1.RoomsRequest{Limit: mostListed}
	for {
		page, err := t.o.Chat.Rooms(ctx, a, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page.GetRooms() {
			p := PlaceOf(c.GetRoom().GetRoom(), a.User)
			if only != "" && p.With != only {
				continue
			}
			one, err := t.conversation(ctx, a, p, c, kept[p.With], archived)
			if err != nil {
				return nil, err
			}
			if one != nil {
				found = append(found, one)
			}
			if len(found) == mostListed || only != "" && one != nil {
				return found, nil
			}
		}
		if q.Cursor = page.GetCursor(); q.Cursor == "" {
			return found, nil
		}
	}
}

// conversation is one of a user's as chat21 has it; nil if nothing was said in it yet, or if it is on the other list.
func (t *Timelines) conversation(
	ctx context.Context, a chat.Actor, p Place, c *chatv1.Conversation, kept keptRow, archived bool,
) (Fields, error) {
	last := c.GetLast()
	if last == nil || kept.Hidden >= last.GetOffset() || (kept.Archived >= last.GetOffset()) != archived {
		return nil, nil
	}
	said, f, err := t.lastThatCounts(ctx, a, p, last)
	if err != nil || f == nil {
		return nil, err
	}
	f.with("status", statusOf(said, p, last.GetOffset(), c.GetMarks().GetDelivered()))
	if kept.Patched > 0 {
		for name, value := range kept.Patch {
			if _, there := f[name]; !there || kept.Patched >= last.GetOffset() {
				f[name] = value
			}
		}
	}
	if _, patched := f["is_new"]; !patched || kept.Patched < last.GetOffset() {
		f.with("is_new", c.GetMarks().GetRead() < last.GetOffset())
	}
	f.with("timelineOf", a.User).with("conversWith", p.With).with("key", p.With).with("archived", archived)
	return f.with("last_message_text", said.text), nil
}

// lastThatCounts is the newest message that is for the user and may change the conversation; nil if there is none among the newest.
func (t *Timelines) lastThatCounts(ctx context.Context, a chat.Actor, p Place, last *chatv1.Message) (Said, Fields, error) {
	if s, f, ok := counts(a, p, last); ok {
		return s, f, nil
	}
	page, err := t.o.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: p.Channel(), Limit: lookedAt})
	if err != nil {
		return Said{}, nil, err
	}
	for i := len(page.GetMessages()) - 1; i >= 0; i-- {
		if s, f, ok := counts(a, p, page.GetMessages()[i]); ok {
			return s, f, nil
		}
	}
	return Said{}, nil, nil
}

func counts(a chat.Actor, p Place, m *chatv1.Message) (Said, Fields, bool) {
	s, ok := ofMessage(m)
	if !ok {
		return s, nil, false
	}
	f := s.object(a.App, p)
	means := attributesOf(f)
	return s, f, means.updateConversation && means.HiddenFor != a.User
}

// statusOf is the status of a message in a user's timeline. delivered is how far the conversation has come to the user.
func statusOf(s Said, p Place, offset, delivered uint64) int {
	switch {
	case !p.Group && s.from() == p.User:
		return statusSent
	case offset <= delivered:
		return statusReceived
	default:
		return statusDelivered
	}
}

// History lists the messages of a conversation, newest first.
func (t *Timelines) History(ctx context.Context, a chat.Actor, p Place) ([]Fields, error) {
	page, err := t.o.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: p.Channel(), Limit: mostListed})
	if err != nil {
		return nil, err
	}
	own, others, err := t.marks(ctx, a, p)
	if err != nil {
		return nil, err
	}
	found := []Fields{}
	for i := len(page.GetMessages()) - 1; i >= 0; i-- {
		m := page.GetMessages()[i]
		s, ok := ofMessage(m)
		f := s.object(a.App, p)
		if !ok || attributesOf(f).HiddenFor == a.User {
			continue
		}
		status := statusOf(s, p, m.GetOffset(), own)
		if status == statusSent && m.GetOffset() <= others {
			status = StatusReturned
		}
		found = append(found, f.with("status", status).with("timelineOf", a.User).with("conversWith", p.With))
	}
	return found, nil
}

// marks tells how far a conversation has come to the user, and to the other of a direct one.
func (t *Timelines) marks(ctx context.Context, a chat.Actor, p Place) (own, other uint64, err error) {
	users := []string{a.User}
	if !p.Group && p.With != a.User {
		users = append(users, p.With)
	}
	reply, err := t.o.Chat.ReadBy(ctx, a, &chatv1.ReadByRequest{Room: p.Channel(), Users: users})
	if IsForbidden(err) {
		return 0, 0, nil
	}
	for _, m := range reply.GetMarks() {
		if m.GetUser() == a.User {
			own = m.GetDelivered()
		}
		if m.GetUser() == p.With {
			other = m.GetDelivered()
		}
	}
	return own, other, err
}
