package chat21

import (
	"encoding/binary"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// OwnFeed carries what is told all chat21 sessions of a user and is not stored. No user's name begins with a zero byte.
func OwnFeed(app, user string) backbone.Feed {
	return backbone.Feed{Kind: layout.User, App: app, Name: "\x00chat21\x00" + user}
}

// Tell publishes to all sessions of a user, on all nodes: own is the topic below the user's. It may be lost, as anything with QoS 0.
func (t *Timelines) Tell(app, user, own string, payload []byte) {
	letter := append(append(binary.BigEndian.AppendUint16(nil, uint16(len(own))), own...), payload...)
	if err := t.o.Signals.Signal(OwnFeed(app, user), letter); err != nil {
		t.untold.Inc()
	}
}

// tellJSON is Tell with a value.
func (t *Timelines) tellJSON(app, user, own string, value any) {
	payload, err := json.Marshal(value)
	if err != nil {
		t.untold.Inc()
		return
	}
	t.Tell(app, user, own, payload)
}

// OpenLetter is the inverse of what Tell writes.
func OpenLetter(letter []byte) (own string, payload []byte, ok bool) {
	if len(letter) < 2 {
		return "", nil, false
	}
	n := int(binary.BigEndian.Uint16(letter))
	if len(letter) < 2+n {
		return "", nil, false
	}
	return string(letter[2 : 2+n]), letter[2+n:], true
}
