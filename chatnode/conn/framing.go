package conn

import (
	"bytes"
	"encoding/binary"
)

// Framing is how messages to the client are told apart on the wire.
type Framing uint8

const (
	// WSText is a WebSocket with text frames.
	WSText Framing = iota
	// WSBinary is a WebSocket with binary frames.
	WSBinary
	// Lines is a streamed HTTP response in which a line feed ends each message (NDJSON). The payload must hold no other line feed than
	// those between messages.
	Lines
	// LengthPrefixed is a streamed HTTP response in which each message is preceded by its length as a varint. The payload is one message.
	LengthPrefixed
	// SSE is a stream of server-sent events, one event a message.
	SSE
	// Raw is a bare TCP socket, whose bytes are the protocol's own: nothing is added to them, and what comes is handed over as it comes.
	Raw
)

const (
	opText  = 0x1
	opBin   = 0x2
	opClose = 0x8
	opPing  = 0x9
	opPong  = 0xA
	wsFinal = 0x80
)

// Append appends payload to dst as one frame, ready for Conn.Write. The same bytes fit every connection with the same framing.
func (f Framing) Append(dst, payload []byte) []byte {
	switch f {
	case WSText:
		return appendWebSocket(dst, opText, payload)
	case WSBinary:
		return appendWebSocket(dst, opBin, payload)
	case LengthPrefixed:
		return append(binary.AppendUvarint(dst, uint64(len(payload))), payload...)
	case SSE:
		return appendEvent(dst, payload)
	case Raw:
		return append(dst, payload...)
	default:
		return append(append(dst, payload...), '\n')
	}
}

// Ping is the frame that a WebSocket's client answers by itself, whatever program it is.
func Ping() []byte { return appendWebSocket(nil, opPing, nil) }

// String names the transport, as the metrics do.
func (f Framing) String() string {
	switch f {
	case WSText, WSBinary:
		return "websocket"
	case SSE:
		return "sse"
	case Raw:
		return "tcp"
	default:
		return "http_stream"
	}
}

func (f Framing) webSocket() bool { return f == WSText || f == WSBinary }

// contentType is that of a streamed response.
func (f Framing) contentType() string {
	switch f {
	case SSE:
		return "text/event-stream"
	case LengthPrefixed:
		return "application/octet-stream"
	default:
		return "application/json"
	}
}

// appendWebSocket appends a whole unmasked frame, as a server sends it (RFC 6455, section 5.2).
func appendWebSocket(dst []byte, opcode byte, payload []byte) []byte {
	dst = append(dst, wsFinal|opcode)
	switch n := len(payload); {
	case n <= 125:
		dst = append(dst, byte(n))
	case n <= 0xFFFF:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
	return append(dst, payload...)
}

// appendEvent appends one server-sent event. Each kind of line end begins a new data field, or else a payload could forge other fields;
// the client joins the fields with line feeds.
func appendEvent(dst, payload []byte) []byte {
	for {
		dst = append(dst, "data: "...)
		end := bytes.IndexAny(payload, "\r\n")
		if end < 0 {
			return append(append(dst, payload...), "\n\n"...)
		}
		dst = append(append(dst, payload[:end]...), '\n')
		if payload[end] == '\r' && end+1 < len(payload) && payload[end+1] == '\n' {
			end++
		}
		payload = payload[end+1:]
	}
}
