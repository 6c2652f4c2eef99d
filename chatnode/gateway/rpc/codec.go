package rpc

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
)

// codec is the JSON of the vocabulary, under the name of a media type.
type codec string

// Name is the end of the media type.
func (c codec) Name() string { return string(c) }

// Marshal writes a message.
func (c codec) Marshal(message any) ([]byte, error) {
	m, ok := message.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("%T is no message", message)
	}
	return chatjson.Marshal(m)
}

// Unmarshal reads a message.
func (c codec) Unmarshal(data []byte, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("%T is no message", message)
	}
	return chatjson.Unmarshal(data, m)
}
