package centrifuge

import (
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// encoder is a fanout.Encoder: one for all sessions of a gateway with the same encoding and framing.
type encoder struct {
	metrics  *metrics
	encoding protocol.Encoding
	framing  conn.Framing
}

// wire frames replies.
func (e encoder) wire(dst, payload []byte) []byte {
	if e.framing == conn.LengthPrefixed {
		return append(dst, payload...) // each reply in Protobuf has its length already
	}
	return e.framing.Append(dst, payload)
}

// reply is the wire form of one reply.
func (e encoder) reply(r *protocol.Reply) []byte {
	return e.wire(nil, protocol.AppendReply(e.encoding, nil, r))
}

// Messages implements fanout.Encoder. Each publication has a frame of its own, all in one write: SDKs that take several frames out of
// one read begin with each before they are through with the one before it, and keep the order only if every frame is as short as the next.
func (e encoder) Messages(feed backbone.Feed, batch []*backbone.Message) []byte {
	const framing = 16 // more than any frame's own bytes
	channel, size := chat.Channel(feed), 0
	for _, m := range batch {
		size += m.Size() + len(channel) + framing
	}
	wire, payload := make([]byte, 0, size), takePayload()
	for _, m := range batch {
		payload = protocol.AppendPublication(e.encoding, payload[:0], channel, &protocol.EncodedPublication{
			Data: m.Data, Info: e.info(m.Info), Offset: m.Offset, Time: m.Time,
		})
		wire = e.wire(wire, payload)
	}
	givePayload(payload)
	e.metrics.pushes.WithLabelValues("publication").Add(float64(len(batch)))
	return wire
}

// info is a sender as AppendPublication wants it.
func (e encoder) info(stored []byte) []byte {
	if e.encoding == protocol.JSON || len(stored) == 0 {
		return stored
	}
	return protocol.AppendClientInfo(protocol.Protobuf, nil, clientInfo(stored))
}

// Signal implements fanout.Encoder.
func (e encoder) Signal(feed backbone.Feed, data []byte) []byte {
	e.metrics.pushes.WithLabelValues("signal").Inc()
	return e.wire(nil, protocol.AppendPublication(e.encoding, nil, chat.Channel(feed), &protocol.EncodedPublication{Data: data}))
}

// Join implements fanout.Encoder.
func (e encoder) Join(feed backbone.Feed, info []byte) []byte {
	e.metrics.pushes.WithLabelValues("join").Inc()
	return e.reply(&protocol.Reply{Push: &protocol.Push{Channel: chat.Channel(feed), Join: &protocol.JoinPush{Info: clientInfo(info)}}})
}

// Leave implements fanout.Encoder.
func (e encoder) Leave(feed backbone.Feed, info []byte) []byte {
	e.metrics.pushes.WithLabelValues("leave").Inc()
	return e.reply(&protocol.Reply{Push: &protocol.Push{Channel: chat.Channel(feed), Leave: &protocol.LeavePush{Info: clientInfo(info)}}})
}

// clientInfo reads a client info as it is stored; nil if there is none.
func clientInfo(stored []byte) *protocol.ClientInfo {
	if len(stored) == 0 {
		return nil
	}
	info := new(protocol.ClientInfo)
	if err := json.Unmarshal(stored, info); err != nil {
		return &protocol.ClientInfo{} // of a node of another version
	}
	return info
}

// publications are messages as they stand in results.
func publications(messages []*backbone.Message) []*protocol.Publication {
	out := make([]*protocol.Publication, 0, len(messages))
	for _, m := range messages {
		out = append(out, &protocol.Publication{Data: m.Data, Info: clientInfo(m.Info), Offset: m.Offset, Time: m.Time})
	}
	return out
}
