package chat21

import (
	"context"
	"encoding/json"
	"math"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// searchPages is how many pages of a conversation are looked through for a message that was not delivered lately.
const searchPages = 5

// pageMessages is how many messages a page has.
const pageMessages = 200

// Confirm notes that a message has come to a device of the user, of which its sender is told as of any receipt. Other statuses than 200 mean
// nothing.
func (t *Timelines) Confirm(ctx context.Context, a chat.Actor, with, message string, payload []byte) error {
	var update struct {
		Status int `json:"status"`
	}
	if json.Unmarshal(payload, &update) != nil || update.Status != statusReceived {
		return nil
	}
	p := recipientPlace(a.User, with, "")
	if _, lately := t.bodies.find(p.feed(a.App), message); !lately {
		var err error
		if p, err = t.Find(ctx, a, with); err != nil {
			return err
		}
	}
	offset, err := t.seek(ctx, a, p, message)
	if err != nil {
		return err
	}
	return persist(ctx, func(ctx context.Context) error {
		_, err := t.o.Chat.Delivered(ctx, a, &chatv1.DeliveredRequest{Room: p.Channel(), Offset: offset})
		return err
	})
}

// Find tells whether a name is that of another user or of a group: the latter if the user is a member of one with that name.
func (t *Timelines) Find(ctx context.Context, a chat.Actor, with string) (Place, error) {
	p := recipientPlace(a.User, with, "")
	if p.Group {
		return p, nil
	}
	room, err := t.o.Chat.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: roomPrefix + with})
	switch {
	case IsForbidden(err):
		return p, nil
	case err != nil:
		return p, err
	}
	p.Group = room.GetMe().GetMembership() == chatv1.Membership_MEMBERSHIP_JOINED
	return p, nil
}

// seek finds the offset of a message.
func (t *Timelines) seek(ctx context.Context, a chat.Actor, p Place, id string) (uint64, error) {
	if offset, ok := t.bodies.find(p.feed(a.App), id); ok {
		_, err := t.o.Chat.Access(ctx, a, p.Channel(), chat.History)
		return offset, err
	}
	q := &chatv1.MessagesRequest{Room: p.Channel(), Limit: pageMessages}
	for range searchPages {
		page, err := t.o.Chat.Messages(ctx, a, q)
		if err != nil {
			return 0, err
		}
		for _, m := range page.GetMessages() {
			if m.GetId() == id {
				return m.GetOffset(), nil
			}
		}
		if !page.GetMore() || len(page.GetMessages()) == 0 {
			break
		}
		q.Before = page.GetMessages()[0].GetOffset()
	}
	return 0, &chat.Error{Kind: chat.NotFound, Message: "there is no such message among the newest"}
}

// read notes that the user has read a conversation.
func (t *Timelines) read(ctx context.Context, a chat.Actor, p Place) error {
	return persist(ctx, func(ctx context.Context) error {
		_, err := t.o.Chat.Read(ctx, a, &chatv1.ReadRequest{Room: p.Channel(), Offset: math.MaxUint64})
		return err
	})
}
