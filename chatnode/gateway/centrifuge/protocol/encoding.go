// Package protocol is the wire format of the Centrifuge client protocol: frames of bytes from a client come in and leave as
// Commands; Replies, pushes and publications come in and leave as bytes, in JSON or in Protobuf. It opens no connection,
// keeps no state and knows no chat.
//
// Every message is one Go struct for both encodings: the `json` tag gives the name, the `pb` tag the field number.
// Fields of type json.RawMessage are `bytes` in Protobuf and raw JSON in JSON.
package protocol

// Encoding is one of the two forms of a message on the wire.
type Encoding uint8

const (
	// JSON frames hold messages separated by line feeds.
	JSON Encoding = iota
	// Protobuf frames hold messages, each after its length in bytes as a varint.
	Protobuf
)

// String returns the name of the encoding, as used in logs and metrics.
func (e Encoding) String() string {
	if e == Protobuf {
		return "protobuf"
	}
	return "json"
}

// AppendSeparator appends what stands in a frame between the messages already in frame and the next one:
// a line feed in JSON unless the frame is empty, nothing in Protobuf.
func (e Encoding) AppendSeparator(frame []byte) []byte {
	if e == JSON && len(frame) > 0 {
		return append(frame, '\n')
	}
	return frame
}
