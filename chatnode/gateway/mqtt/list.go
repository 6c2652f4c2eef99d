package mqtt

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// mostListed is how many conversations or messages an answer has at most.
const mostListed = 200

// conversations lists a user's conversations that are archived, or those that are not, newest first; only that with a partner or group, if
// one is given.
func (g *Gateway) conversations(ctx context.Context, a chat.Actor, archived bool, only string) ([]fields, error) {
	kept, err := g.keptOf(ctx, a.App, a.User)
	if err != nil {
		return nil, err
	}
	found := []fields{}
	q := &chatv1.RoomsRequest{Limit: mostListed}
	for {
		page, err := g.options.Chat.Rooms(ctx, a, q)
		if err != nil {
			return nil, err
		}
		for _, c := range page.GetRooms() {
			p := placeOf(c.GetRoom().GetRoom(), a.User)
			if only != "" && p.with != only {
				continue
			}
			one, err := g.conversation(ctx, a, p, c, kept[p.with], archived)
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
func (g *Gateway) conversation(
	ctx context.Context, a chat.Actor, p place, c *chatv1.Conversation, kept keptRow, archived bool,
) (fields, error) {
	last := c.GetLast()
	if last == nil || kept.Hidden >= last.GetOffset() || (kept.Archived >= last.GetOffset()) != archived {
		return nil, nil
	}
	said, f, err := g.lastThatCounts(ctx, a, p, last)
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
	f.with("timelineOf", a.User).with("conversWith", p.with).with("key", p.with).with("archived", archived)
	return f.with("last_message_text", said.text), nil
}

// lastThatCounts is the newest message that is for the user and may change the conversation; nil if there is none among the newest.
func (g *Gateway) lastThatCounts(ctx context.Context, a chat.Actor, p place, last *chatv1.Message) (said, fields, error) {
	if s, f, ok := counts(a, p, last); ok {
		return s, f, nil
	}
	page, err := g.options.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: p.channel(), Limit: lookBack})
	if err != nil {
		return said{}, nil, err
	}
	for i := len(page.GetMessages()) - 1; i >= 0; i-- {
		if s, f, ok := counts(a, p, page.GetMessages()[i]); ok {
			return s, f, nil
		}
	}
	return said{}, nil, nil
}

func counts(a chat.Actor, p place, m *chatv1.Message) (said, fields, bool) {
	s, ok := ofMessage(m)
	if !ok {
		return s, nil, false
	}
	f := s.object(a.App, p)
	means := attributesOf(f)
	return s, f, means.updateConversation && means.hiddenFor != a.User
}

// statusOf is the status of a message in a user's timeline. delivered is how far the conversation has come to the user.
func statusOf(s said, p place, offset, delivered uint64) int {
	switch {
	case !p.group && s.from() == p.user:
		return statusSent
	case offset <= delivered:
		return statusReceived
	default:
		return statusDelivered
	}
}

// history lists the messages of a conversation, newest first.
func (g *Gateway) history(ctx context.Context, a chat.Actor, p place) ([]fields, error) {
	page, err := g.options.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: p.channel(), Limit: mostListed})
	if err != nil {
		return nil, err
	}
	own, others, err := g.marks(ctx, a, p)
	if err != nil {
		return nil, err
	}
	found := []fields{}
	for i := len(page.GetMessages()) - 1; i >= 0; i-- {
		m := page.GetMessages()[i]
		s, ok := ofMessage(m)
		f := s.object(a.App, p)
		if !ok || attributesOf(f).hiddenFor == a.User {
			continue
		}
		status := statusOf(s, p, m.GetOffset(), own)
		if status == statusSent && m.GetOffset() <= others {
			status = statusReturned
		}
		found = append(found, f.with("status", status).with("timelineOf", a.User).with("conversWith", p.with))
	}
	return found, nil
}

// marks tells how far a conversation has come to the user, and to the other of a direct one.
func (g *Gateway) marks(ctx context.Context, a chat.Actor, p place) (own, other uint64, err error) {
	users := []string{a.User}
	if !p.group && p.with != a.User {
		users = append(users, p.with)
	}
	reply, err := g.options.Chat.ReadBy(ctx, a, &chatv1.ReadByRequest{Room: p.channel(), Users: users})
	if isForbidden(err) {
		return 0, 0, nil
	}
	for _, m := range reply.GetMarks() {
		if m.GetUser() == a.User {
			own = m.GetDelivered()
		}
		if m.GetUser() == p.with {
			other = m.GetDelivered()
		}
	}
	return own, other, err
}
