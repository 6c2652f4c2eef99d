package chat21

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
	StatusReturned  = 250 // the sender's copy, once the other has received it
)

const (
	channelDirect = "direct"
	channelGroup  = "group"
	roomPrefix    = "room:"
	// GroupMark in a recipient's id makes it a group's, whatever the message says.
	GroupMark = "group-"
)

// Place is a conversation as a user of chat21 sees it.
type Place struct {
	User string
	// With is the other user, or the group.
	With  string
	Group bool
}

// PlaceOf is the conversation that a channel is for a user.
func PlaceOf(channel, user string) Place {
	if with, ok := chat.Partner(channel, user); ok {
		return Place{User: user, With: with}
	}
	return Place{User: user, With: strings.TrimPrefix(channel, roomPrefix), Group: true}
}

// recipientPlace is where a message goes that a user sends.
func recipientPlace(user, with, channelType string) Place {
	return Place{User: user, With: with, Group: channelType == channelGroup || strings.Contains(with, GroupMark)}
}

// Channel is the name of the conversation in chat.
func (p Place) Channel() string {
	if p.Group {
		return roomPrefix + p.With
	}
	return chat.Direct(p.User, p.With)
}

// feed is the conversation's in the log.
func (p Place) feed(app string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: app, Name: p.Channel()}
}

// channelType is what chat21 calls the kind.
func (p Place) channelType() string {
	if p.Group {
		return channelGroup
	}
	return channelDirect
}

// Statuses are those of the copies of a message that the user gets as it is sent: what one sends to oneself is sent and received.
func (p Place) Statuses(sender string) []int {
	switch {
	case p.Group || sender != p.User:
		return []int{statusDelivered}
	case p.With == p.User:
		return []int{statusSent, statusDelivered}
	default:
		return []int{statusSent}
	}
}

// recipient is whom a message was sent to.
func (p Place) recipient(sender string) string {
	if !p.Group && sender != p.User {
		return p.User
	}
	return p.With
}
