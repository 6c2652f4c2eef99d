package mqtt

import "strings"

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
			return address{kind: toSend, with: unlevel(with)}
		}
		return address{kind: forbidden}
	}
	own, ok := strings.CutPrefix(topic, userTopics(app, user))
	if !ok || own == "" {
		return address{kind: forbidden}
	}
	a := address{own: own}
	switch levels := strings.Split(own, "/"); {
	case len(levels) == 4 && levels[0] == "messages" && levels[3] == "update":
		a.kind, a.with, a.message = toConfirm, unlevel(levels[1]), levels[2]
	case len(levels) == 3 && levels[0] == "conversations" && levels[2] == "update":
		a.kind, a.with = toPatch, unlevel(levels[1])
	case len(levels) == 3 && levels[0] == "conversations" && levels[2] == "archive":
		a.kind, a.with = toArchive, unlevel(levels[1])
	case len(levels) == 2 && levels[0] == "presence":
		a.kind = toPresence
	}
	return a
}

// userTopics is where everything lies that a user is told.
func userTopics(app, user string) string { return "apps/" + app + "/users/" + user + "/" }

// plain says whether a name can be a level of a topic.
func plain(name string) bool { return name != "" && !strings.ContainsAny(name, "/+#\x00") }

// level is a name as a level of a topic: names of other protocols may have what a topic must not.
func level(name string) string {
	if plain(name) {
		return name
	}
	return levelEscapes.Replace(name)
}

// unlevel is the inverse of level.
func unlevel(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	return levelUnescapes.Replace(text)
}

var (
	levelEscapes   = strings.NewReplacer("/", "%2F", "+", "%2B", "#", "%23", "\x00", "%00")
	levelUnescapes = strings.NewReplacer("%2F", "/", "%2B", "+", "%23", "#", "%00", "\x00")
)
