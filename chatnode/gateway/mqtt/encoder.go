package mqtt

import (
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
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
	p := packet.Publish{Topic: chat21.UserTopics(e.app, e.user) + own, Payload: payload}
	return e.framing.Append(wire, packet.AppendPublish(nil, p))
}

// Messages implements fanout.Encoder.
func (e encoder) Messages(feed backbone.Feed, batch []*backbone.Message) (wire []byte) {
	place := chat21.PlaceOf(chat.Channel(feed), e.user)
	for _, m := range batch {
		b := e.gateway.timelines.Body(feed, m)
		if b == nil || b.HiddenFor == e.user {
			continue
		}
		for _, status := range place.Statuses(b.Sender) {
			wire = e.publish(wire, "messages/"+chat21.Level(place.With)+"/clientadded", b.WithStatus(status))
		}
	}
	return wire
}

// Signal implements fanout.Encoder. Those of the user's own feed are whole messages, see chat21.Timelines.Tell; others may be receipts.
func (e encoder) Signal(feed backbone.Feed, data []byte) []byte {
	if feed != chat21.OwnFeed(e.app, e.user) {
		e.takeReceipt(feed, data)
		return nil
	}
	own, payload, ok := chat21.OpenLetter(data)
	if !ok {
		return nil
	}
	return e.publish(nil, own, payload)
}

// Join implements fanout.Encoder.
func (encoder) Join(backbone.Feed, []byte) []byte { return nil }

// Leave implements fanout.Encoder.
func (encoder) Leave(backbone.Feed, []byte) []byte { return nil }
