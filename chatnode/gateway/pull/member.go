package pull

import (
	"fmt"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// A place is what a chat stands for.
type place struct {
	// channel is that of chat.
	channel string
	// members are the two users of a direct conversation, as chat knows them, and written as the client wrote them; empty in a room.
	members, written [2]string
}

// wrongChat is a chat that is no pair of names, wrongSender a sender who isn't one of the two.
type (
	wrongChat   struct{ chat string }
	wrongSender struct{ sender string }
)

func (e wrongChat) Error() string {
	return fmt.Sprintf("Invalid Chat ID '%s', should be in the format of user1:user2", e.chat)
}

func (e wrongSender) Error() string {
	return fmt.Sprintf("Sender '%s' is not in the chat room", e.sender)
}

// placeOf finds the channel of a chat: a:b is the direct conversation of the two. Where any chat is taken, another one is a room.
func (m *manner) placeOf(name string) (place, error) {
	one, two, ok := pair(name)
	if !ok && m.loose && name != "" {
		return place{channel: "room:" + name}, nil
	}
	if !ok {
		return place{}, wrongChat{name}
	}
	p := place{members: [2]string{m.user(one), m.user(two)}, written: [2]string{one, two}}
	for _, user := range p.members {
		if err := chat.CheckUser(user); err != nil {
			return place{}, err
		}
	}
	p.channel = chat.Direct(p.members[0], p.members[1])
	return p, nil
}

// user is the name of a user.
func (m *manner) user(written string) string {
	if m.lower {
		return strings.ToLower(written)
	}
	return written
}

// sender says as which user of the place somebody writes. It is empty for the application's server, who speaks for a stranger.
func (m *manner) sender(p place, written string) (user string, err error) {
	for i, name := range p.written {
		if name == written && name != "" {
			return p.members[i], nil
		}
	}
	if m.loose {
		return "", nil
	}
	return "", wrongSender{written}
}
