package protocol

import (
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"
)

// EmulationRequest is the body of a POST that carries the commands of a client whose connection streams in one
// direction only.
type EmulationRequest struct {
	Node    string `json:"node" pb:"1"`    // that holds the session
	Session string `json:"session" pb:"2"` // from the connect result
	Data    []byte `json:"data" pb:"3"`    // a frame of commands, in the encoding of the request
}

var errNoSession = errors.New("no session")

// DecodeEmulation reads the body of an emulation request.
func DecodeEmulation(enc Encoding, body []byte) (*EmulationRequest, error) {
	request := new(EmulationRequest)
	if enc == Protobuf {
		if err := decodeMessage(Protobuf, body, request); err != nil {
			return nil, fmt.Errorf("emulation request: %w", err)
		}
	} else {
		if !utf8.Valid(body) {
			return nil, fmt.Errorf("emulation request: %w", errNotUTF8)
		}
		var text struct{ Node, Session, Data string } // the frame is a string
		if err := decodeJSON(body, &text); err != nil {
			return nil, fmt.Errorf("emulation request: %w", err)
		}
		request = &EmulationRequest{Node: text.Node, Session: text.Session, Data: []byte(text.Data)}
	}
	if request.Session == "" {
		return nil, fmt.Errorf("emulation request: %w", errNoSession)
	}
	return request, nil
}

// AppendEmulation appends the body of an emulation request, without a length.
func AppendEmulation(enc Encoding, dst []byte, request *EmulationRequest) []byte {
	if enc == Protobuf {
		v := reflect.ValueOf(request).Elem()
		return planOf(v.Type()).appendProtobuf(dst, v)
	}
	dst = appendQuoted(append(dst, `{"node":`...), request.Node)
	dst = appendQuoted(append(dst, `,"session":`...), request.Session)
	dst = appendQuoted(append(dst, `,"data":`...), string(request.Data))
	return append(dst, '}')
}
