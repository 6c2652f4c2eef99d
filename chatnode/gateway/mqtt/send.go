package mqtt

import (
	"context"
	"errors"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Pauses between two attempts at what can't be done at the moment.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = time.Second
)

// persist does something until it succeeds, can never succeed, or ctx ends.
func persist(ctx context.Context, do func(ctx context.Context) error) error {
	for wait := firstPause; ; wait = min(2*wait, lastPause) {
		err := do(ctx)
		if !temporary(err) || !pause(ctx, wait) {
			return err
		}
	}
}

// send stores a message that a user sends to another or to a group, by a session or, if that is nil, on another way.
func (g *Gateway) send(ctx context.Context, a chat.Actor, with string, payload []byte, by *session) error {
	_, _, err := g.store(ctx, a, with, payload, by)
	return err
}

// sendAs is send, and gives the message as its sender sees it.
func (g *Gateway) sendAs(ctx context.Context, a chat.Actor, with string, payload []byte) (fields, error) {
	q, sent, err := g.store(ctx, a, with, payload, nil)
	if err != nil {
		return nil, err
	}
	data, err := q.GetData().MarshalJSON()
	if err != nil {
		return nil, err
	}
	p := placeOf(q.GetRoom(), a.User)
	s := said{id: sent.GetId(), sender: a.User, time: sent.GetTime(), text: q.GetText(), data: data}
	return s.object(a.App, p).with("status", p.statuses(a.User)[0]), nil
}

func (g *Gateway) store(
	ctx context.Context, a chat.Actor, with string, payload []byte, by *session,
) (*chatv1.SendRequest, *chatv1.Sent, error) {
	o, err := parseOutgoing(payload)
	if err != nil {
		return nil, nil, err
	}
	to := recipientPlace(a.User, with, o.channelType)
	channel := to.channel()
	q, err := o.request(o.messageID(a.User, channel), channel)
	if err != nil {
		return nil, nil, err
	}
	in := by != nil && by.has(channel)
	if to.group && !in {
		if err := g.join(ctx, a, channel, o.members); err != nil {
			return nil, nil, err
		}
	}
	if by != nil && !in {
		by.hear(ctx, channel)
	}
	var sent *chatv1.Sent
	err = persist(ctx, func(ctx context.Context) (err error) {
		sent, err = g.options.Chat.Send(ctx, a, q)
		return err
	})
	return q, sent, err
}

// join makes the sender a member of a group that nobody made, as chat21 does for as long as one message takes. With members in the message
// such a group is made, with them. In other groups it is as it is.
func (g *Gateway) join(ctx context.Context, a chat.Actor, channel string, members []string) error {
	if a.Server {
		return nil
	}
	room, err := g.options.Chat.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: channel})
	switch {
	case notFound(err) || err == nil && room.GetCreated() == 0 && len(members) > 0:
		_, err = g.options.Chat.CreateRoom(ctx, a, &chatv1.CreateRoomRequest{Room: channel, Members: members})
	case err == nil && room.GetCreated() == 0 && room.GetMe().GetMembership() != chatv1.Membership_MEMBERSHIP_JOINED:
		_, err = g.options.Chat.Join(ctx, a, &chatv1.JoinRequest{Room: channel})
	}
	return err
}

func notFound(err error) bool { return isOf(err, chat.NotFound) }
func denied(err error) bool   { return isOf(err, chat.Denied) }

func isOf(err error, kind chat.Kind) bool {
	var failed *chat.Error
	return errors.As(err, &failed) && failed.Kind == kind
}
