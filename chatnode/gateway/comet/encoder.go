package comet

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// roomPrefix stands before the name of a pipe in that of its room.
const roomPrefix = "room:"

// defaultEvent is the event of messages that were sent on another protocol.
const defaultEvent = "message"

// extra is what a message of this protocol has besides its text, in the message's data.
type extra struct {
	Event string `json:"event"`
	// Nobody is true if a browser sent the message without a user's name. Clients are told that it is of the user 0, and of what backends
	// send no user at all.
	Nobody bool `json:"nobody,omitempty"`
}

// extraOf is the data of a message with an event.
func extraOf(event string) json.RawMessage {
	return marshal(map[string]extra{"comet": {Event: event}})
}

// contentOf gives a message's payload, and what it has besides. One without a text has its data as payload, if that is not of this protocol.
func contentOf(text *string, data json.RawMessage) (payload string, more extra) {
	var kept struct {
		Comet *extra `json:"comet"`
	}
	_ = json.Unmarshal(data, &kept) // other data may be anything
	more.Event = defaultEvent
	if kept.Comet != nil {
		more = *kept.Comet
	}
	switch {
	case text != nil:
		payload = *text
	case kept.Comet == nil:
		payload = string(data)
	}
	return payload, more
}

// numberOf is the id of the user with that name; false if the name is no such id.
func numberOf(name string) (int64, bool) {
	n, err := strconv.ParseInt(name, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == name
}

// encoder writes what happens in pipes. It is a fanout.Encoder: there are two of them, one for each dialect.
type encoder struct {
	dialect
	metrics *metrics
}

// Messages implements fanout.Encoder: what is no message, as edits and deletions, this protocol can't tell.
func (e encoder) Messages(feed backbone.Feed, batch []*backbone.Message) (wire []byte) {
	for _, m := range batch {
		var event chat.Event
		if json.Unmarshal(m.Data, &event) != nil || event.Type != "message" {
			continue
		}
		payload, more := contentOf(event.Text, event.Data)
		told := message{Data: payload, Event: more.Event, Time: event.Time / 1000, Pipe: pipeOf(feed), UUID: event.ID}
		if event.Sender != "" || more.Nobody {
			id, _ := numberOf(event.Sender)
			told.UserID = &id
		}
		wire = append(wire, e.frame(told)...)
		e.metrics.pushes.WithLabelValues("message").Inc()
	}
	return wire
}

// pipeOf is the name of the pipe whose room has that feed.
func pipeOf(feed backbone.Feed) string { return strings.TrimPrefix(feed.Name, roomPrefix) }

// statusSignal tells in the pipe user_status_ID that a user came or went.
type statusSignal struct {
	Comet string `json:"comet"`
	// ID is the same on all nodes.
	ID string `json:"id"`
}

// Signal implements fanout.Encoder.
func (e encoder) Signal(feed backbone.Feed, data []byte) []byte {
	var signal statusSignal
	if json.Unmarshal(data, &signal) != nil || signal.Comet == "" {
		return nil
	}
	e.metrics.pushes.WithLabelValues("status").Inc()
	return e.frame(message{Data: signal.Comet, Event: signal.Comet, Pipe: pipeOf(feed), UUID: signal.ID})
}

// Join implements fanout.Encoder. Only pipes that track their listeners tell of them.
func (e encoder) Join(feed backbone.Feed, info []byte) []byte {
	return e.tracked(feed, info, "subscription", "")
}

// Leave implements fanout.Encoder.
func (e encoder) Leave(feed backbone.Feed, info []byte) []byte {
	return e.tracked(feed, info, "unsubscription", "-left")
}

func (e encoder) tracked(feed backbone.Feed, info []byte, event, suffix string) []byte {
	pipe := pipeOf(feed)
	if !strings.HasPrefix(pipe, "track_") {
		return nil
	}
	who := listenerOf(info)
	e.metrics.pushes.WithLabelValues("track").Inc()
	return e.frame(message{
		Data: tracked{who.UserID, who.UUID}, Event: event, Time: who.Since, Pipe: pipe, UUID: who.Client + suffix,
	})
}

// tracked is somebody who listens to a pipe.
type tracked struct {
	UserID int64  `json:"user_id"`
	UUID   string `json:"uuid"`
}
