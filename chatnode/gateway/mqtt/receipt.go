package mqtt

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

// confirm notes that a message has come to a device of the user, of which its sender is told as of any receipt. Other statuses than 200 mean
// nothing.
func (g *Gateway) confirm(ctx context.Context, a chat.Actor, with, message string, payload []byte) error {
	var update struct {
		Status int `json:"status"`
	}
	if json.Unmarshal(payload, &update) != nil || update.Status != statusReceived {
		return nil
	}
	p := recipientPlace(a.User, with, "")
	if _, lately := g.bodies.find(p.feed(a.App), message); !lately {
		var err error
		if p, err = g.find(ctx, a, with); err != nil {
			return err
		}
	}
	offset, err := g.seek(ctx, a, p, message)
	if err != nil {
		return err
	}
	return persist(ctx, func(ctx context.Context) error {
		_, err := g.options.Chat.Delivered(ctx, a, &chatv1.DeliveredRequest{Room: p.channel(), Offset: offset})
		return err
	})
}

// find tells whether a name is that of another user or of a group: the latter if the user is a member of one with that name.
func (g *Gateway) find(ctx context.Context, a chat.Actor, with string) (place, error) {
	p := recipientPlace(a.User, with, "")
	if p.group {
		return p, nil
	}
	room, err := g.options.Chat.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: roomPrefix + with})
	switch {
	case isForbidden(err):
		return p, nil
	case err != nil:
		return p, err
	}
	p.group = room.GetMe().GetMembership() == chatv1.Membership_MEMBERSHIP_JOINED
	return p, nil
}

// seek finds the offset of a message.
func (g *Gateway) seek(ctx context.Context, a chat.Actor, p place, id string) (uint64, error) {
	if offset, ok := g.bodies.find(p.feed(a.App), id); ok {
		_, err := g.options.Chat.Access(ctx, a, p.channel(), chat.History)
		return offset, err
	}
	q := &chatv1.MessagesRequest{Room: p.channel(), Limit: pageMessages}
	for range searchPages {
		page, err := g.options.Chat.Messages(ctx, a, q)
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
func (g *Gateway) read(ctx context.Context, a chat.Actor, p place) error {
	return persist(ctx, func(ctx context.Context) error {
		_, err := g.options.Chat.Read(ctx, a, &chatv1.ReadRequest{Room: p.channel(), Offset: math.MaxUint64})
		return err
	})
}
