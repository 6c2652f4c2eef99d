package mqtt

import (
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Status codes of messages.
const (
	statusSent      = 100 // in the sender's own timeline
	statusDelivered = 150 // in the recipient's
	statusReceived  = 200
	statusReturned  = 250 // the sender's copy, once the other has received it
)

const (
	channelDirect = "direct"
	channelGroup  = "group"
	roomPrefix    = "room:"
	// groupMark in a recipient's id makes it a group's, whatever the message says.
	groupMark = "group-"
)

// place is a conversation as a user of chat21 sees it.
type place struct {
	user string
	// with is the other user, or the group.
	with  string
	group bool
}

// placeOf is the conversation that a channel is for a user.
func placeOf(channel, user string) place {
	if with, ok := chat.Partner(channel, user); ok {
		return place{user: user, with: with}
	}
	return place{user: user, with: strings.TrimPrefix(channel, roomPrefix), group: true}
}

// recipientPlace is where a message goes that a user sends.
func recipientPlace(user, with, channelType string) place {
	return place{user: user, with: with, group: channelType == channelGroup || strings.Contains(with, groupMark)}
}

// channel is the name of the conversation in chat.
func (p place) channel() string {
	if p.group {
		return roomPrefix + p.with
	}
	return chat.Direct(p.user, p.with)
}

// feed is the conversation's in the log.
func (p place) feed(app string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: app, Name: p.channel()}
}

// channelType is what chat21 calls the kind.
func (p place) channelType() string {
	if p.group {
		return channelGroup
	}
	return channelDirect
}

// statuses are those of the copies of a message that the user gets as it is sent: what one sends to oneself is sent and received.
func (p place) statuses(sender string) []int {
	switch {
	case p.group || sender != p.user:
		return []int{statusDelivered}
	case p.with == p.user:
		return []int{statusSent, statusDelivered}
	default:
		return []int{statusSent}
	}
}

// recipient is whom a message was sent to.
func (p place) recipient(sender string) string {
	if !p.group && sender != p.user {
		return p.user
	}
	return p.with
}
