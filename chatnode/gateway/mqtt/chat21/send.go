package chat21

import (
	"context"
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
		if !Temporary(err) || !pause(ctx, wait) {
			return err
		}
	}
}

// Listener hears what is said in rooms for who sends.
type Listener interface {
	// Has says whether it hears a room already, Hear has it hear one.
	Has(channel string) bool
	Hear(ctx context.Context, channel string)
}

// Send stores a message, as a client sends it, to another user or to a group; by hears that from the beginning, unless it is nil. While that
// is not possible it tries again, until ctx ends.
func (t *Timelines) Send(ctx context.Context, a chat.Actor, with string, payload []byte, by Listener) error {
	_, _, err := t.store(ctx, a, with, payload, by)
	return err
}

// SendAs is Send, and gives the message as its sender sees it.
func (t *Timelines) SendAs(ctx context.Context, a chat.Actor, with string, payload []byte) (Fields, error) {
	q, sent, err := t.store(ctx, a, with, payload, nil)
	if err != nil {
		return nil, err
	}
	data, err := q.GetData().MarshalJSON()
	if err != nil {
		return nil, err
	}
	p := PlaceOf(q.GetRoom(), a.User)
	s := Said{ID: sent.GetId(), Sender: a.User, time: sent.GetTime(), text: q.GetText(), data: data}
	return s.object(a.App, p).with("status", p.Statuses(a.User)[0]), nil
}

func (t *Timelines) store(
	ctx context.Context, a chat.Actor, with string, payload []byte, by Listener,
) (*chatv1.SendRequest, *chatv1.Sent, error) {
	o, err := parseOutgoing(payload)
	if err != nil {
		return nil, nil, err
	}
	to := recipientPlace(a.User, with, o.channelType)
	channel := to.Channel()
	q, err := o.request(o.messageID(a.User, channel), channel)
	if err != nil {
		return nil, nil, err
	}
	in := by != nil && by.Has(channel)
	if to.Group && !in {
		if err := t.join(ctx, a, channel, o.members); err != nil {
			return nil, nil, err
		}
	}
	if by != nil && !in {
		by.Hear(ctx, channel)
	}
	var sent *chatv1.Sent
	err = persist(ctx, func(ctx context.Context) (err error) {
		sent, err = t.o.Chat.Send(ctx, a, q)
		return err
	})
	return q, sent, err
}

// join makes the sender a member of a group that nobody made, as chat21 does for as long as one message takes. With members in the message
// such a group is made, with them. In other groups it is as it is.
func (t *Timelines) join(ctx context.Context, a chat.Actor, channel string, members []string) error {
	if a.Server {
		return nil
	}
	room, err := t.o.Chat.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: channel})
	switch {
	case IsNotFound(err) || err == nil && room.GetCreated() == 0 && len(members) > 0:
		_, err = t.o.Chat.CreateRoom(ctx, a, &chatv1.CreateRoomRequest{Room: channel, Members: members})
	case err == nil && room.GetCreated() == 0 && room.GetMe().GetMembership() != chatv1.Membership_MEMBERSHIP_JOINED:
		_, err = t.o.Chat.Join(ctx, a, &chatv1.JoinRequest{Room: channel})
	}
	return err
}

// pause returns true after that time, and false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
