package mqtt

import (
	"encoding/binary"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// encoder is a fanout.Encoder: one for all sessions of a user with the same transport, since the topics name the user.
type encoder struct {
	gateway   *Gateway
	framing   conn.Framing
	app, user string
}

// publish appends a PUBLISH below the user's topics, framed.
func (e encoder) publish(wire []byte, own string, payload []byte) []byte {
	p := packet.Publish{Topic: userTopics(e.app, e.user) + own, Payload: payload}
	return e.framing.Append(wire, packet.AppendPublish(nil, p))
}

// Messages implements fanout.Encoder.
func (e encoder) Messages(feed backbone.Feed, batch []*backbone.Message) (wire []byte) {
	place := placeOf(chat.Channel(feed), e.user)
	for _, m := range batch {
		b := e.gateway.bodies.of(feed, m)
		if b == nil || b.hiddenFor == e.user {
			continue
		}
		for _, status := range place.statuses(b.sender) {
			wire = e.publish(wire, "messages/"+level(place.with)+"/clientadded", b.withStatus(status))
		}
	}
	return wire
}

// Signal implements fanout.Encoder. Those of the user's own feed are whole messages, see Gateway.tell; others may be receipts.
func (e encoder) Signal(feed backbone.Feed, data []byte) []byte {
	if feed != ownFeed(e.app, e.user) {
		e.takeReceipt(feed, data)
		return nil
	}
	own, payload, ok := openLetter(data)
	if !ok {
		return nil
	}
	return e.publish(nil, own, payload)
}

// Join implements fanout.Encoder.
func (encoder) Join(backbone.Feed, []byte) []byte { return nil }

// Leave implements fanout.Encoder.
func (encoder) Leave(backbone.Feed, []byte) []byte { return nil }

// tell publishes to all sessions of a user, on all nodes: own is the topic below the user's. It may be lost, as anything with QoS 0.
func (g *Gateway) tell(app, user, own string, payload []byte) {
	letter := append(append(binary.BigEndian.AppendUint16(nil, uint16(len(own))), own...), payload...)
	if err := g.options.Hub.Signal(ownFeed(app, user), letter); err != nil {
		g.metrics.untold.Inc()
	}
}

// tellJSON is tell with a value.
func (g *Gateway) tellJSON(app, user, own string, value any) {
	payload, err := json.Marshal(value)
	if err != nil {
		g.metrics.untold.Inc()
		return
	}
	g.tell(app, user, own, payload)
}

// openLetter is the inverse of what tell writes.
func openLetter(letter []byte) (own string, payload []byte, ok bool) {
	if len(letter) < 2 {
		return "", nil, false
	}
	n := int(binary.BigEndian.Uint16(letter))
	if len(letter) < 2+n {
		return "", nil, false
	}
	return string(letter[2 : 2+n]), letter[2+n:], true
}
