package fanout

import "github.com/chatfleet/chatfleet/chatnode/backbone"

// signalKind is the first byte of each signal between hubs; the payload follows.
type signalKind byte

const (
	application signalKind = 's' // what Hub.Signal was given
	join        signalKind = 'j' // a ClientInfo, JSON
	leave       signalKind = 'l' // likewise
)

func seal(kind signalKind, payload []byte) []byte {
	return append([]byte{byte(kind)}, payload...)
}

// unseal is the inverse of seal; false for what is no signal of a kind known here.
func unseal(data []byte) (kind signalKind, payload []byte, ok bool) {
	if len(data) == 0 {
		return 0, nil, false
	}
	switch kind = signalKind(data[0]); kind {
	case application, join, leave:
		return kind, data[1:], true
	default:
		return 0, nil, false
	}
}

func (kind signalKind) encode(e Encoder, feed backbone.Feed, payload []byte) []byte {
	switch kind {
	case join:
		return e.Join(feed, payload)
	case leave:
		return e.Leave(feed, payload)
	default:
		return e.Signal(feed, payload)
	}
}

// tell sends a signal that may be lost to everybody in the feed. The room is not locked.
func (r *room) tell(kind signalKind, payload []byte) {
	if err := r.hub.src.Signal(r.feed, seal(kind, payload)); err != nil {
		r.hub.counts.dropped.Add(1)
	}
}
