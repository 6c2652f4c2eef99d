package mqtt

import (
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
)

// kind is what a client wants by publishing to a topic.
type kind uint8

const (
	// toEcho: everything below a user's own topics that nobody listens to comes back to all sessions of the user.
	toEcho kind = iota
	toSend
	toConfirm
	toPatch
	toArchive
	toPresence
	// forbidden: it is not the user's own.
	forbidden
)

// address is what a client publishes to.
type address struct {
	kind kind
	// with is the other user or the group, message the id of a message.
	with, message string
	// own is the topic below apps/APP/users/USER/, of those that are echoed.
	own string
}

// parseAddress reads the topic of a user's PUBLISH.
func parseAddress(app, user, topic string) address {
	if rest, ok := strings.CutPrefix(topic, "apps/"+app+"/outgoing/users/"+user+"/messages/"); ok {
		if with, last, _ := strings.Cut(rest, "/"); last == "outgoing" && with != "" {
			return address{kind: toSend, with: chat21.Unlevel(with)}
		}
		return address{kind: forbidden}
	}
	own, ok := strings.CutPrefix(topic, chat21.UserTopics(app, user))
	if !ok || own == "" {
		return address{kind: forbidden}
	}
	a := address{own: own}
	switch levels := strings.Split(own, "/"); {
	case len(levels) == 4 && levels[0] == "messages" && levels[3] == "update":
		a.kind, a.with, a.message = toConfirm, chat21.Unlevel(levels[1]), levels[2]
	case len(levels) == 3 && levels[0] == "conversations" && levels[2] == "update":
		a.kind, a.with = toPatch, chat21.Unlevel(levels[1])
	case len(levels) == 3 && levels[0] == "conversations" && levels[2] == "archive":
		a.kind, a.with = toArchive, chat21.Unlevel(levels[1])
	case len(levels) == 2 && levels[0] == "presence":
		a.kind = toPresence
	}
	return a
}
