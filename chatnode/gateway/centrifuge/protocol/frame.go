package protocol

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits bounds what one frame may hold.
type Limits struct {
	Bytes    int // of the whole frame
	Message  int // bytes of one command or reply; 0: as many as the frame
	Messages int // commands or replies in the frame
	Entries  int // of one map in a command: subscriptions and headers of a connect
}

// DefaultLimits lets a client with 1,000 subscriptions subscribe to all of them again in one frame, as the SDKs do.
var DefaultLimits = Limits{Bytes: 256 << 10, Message: 64 << 10, Messages: 2000, Entries: 1000}

// FrameError says which message of a frame is broken and why.
type FrameError struct {
	Index int // of the message in the frame, from 0
	Err   error
}

func (e *FrameError) Error() string {
	return fmt.Sprintf("message %d of the frame: %v", e.Index, e.Err)
}

// Unwrap returns why the message is broken.
func (e *FrameError) Unwrap() error { return e.Err }

// Why a frame is refused as a whole.
var (
	ErrFrameTooLarge   = errors.New("frame too large")
	ErrMessageTooLarge = errors.New("message too large")
	ErrTooManyMessages = errors.New("too many messages in a frame")
	ErrEmptyFrame      = errors.New("empty frame")
)

var (
	errNotObject     = errors.New("not an object")
	errNoRequest     = errors.New("an id without a request")
	errManyRequests  = errors.New("more than one request in a command")
	errNoID          = errors.New("a request without an id")
	errTooManyInMap  = errors.New("too many entries in a map")
	errNullInMap     = errors.New("null in a map")
	errInvalidLength = errors.New("invalid length")
)

// DecodeCommands reads a frame from a client. The commands hold no part of frame. If one is broken, or the frame
// holds too many, the commands before it are returned with a *FrameError.
func DecodeCommands(enc Encoding, frame []byte, limits Limits) ([]*Command, error) {
	return decodeFrame(enc, frame, limits, func(c *Command) error { return c.check(limits) })
}

// DecodeReplies reads a frame from a server, as a client does, with the same rules as DecodeCommands.
func DecodeReplies(enc Encoding, frame []byte, limits Limits) ([]*Reply, error) {
	return decodeFrame(enc, frame, limits, func(*Reply) error { return nil })
}

// AppendReply appends the reply to a frame: in JSON without a line feed (see AppendSeparator),
// in Protobuf after its length. Raw fields of the reply must be valid JSON if enc is JSON.
func AppendReply(enc Encoding, frame []byte, reply *Reply) []byte {
	return appendMessage(enc, frame, reply)
}

// AppendCommand appends the command to a frame, as a client does, with the same rules as AppendReply.
func AppendCommand(enc Encoding, frame []byte, command *Command) []byte {
	return appendMessage(enc, frame, command)
}

func appendMessage(enc Encoding, frame []byte, message any) []byte {
	v := reflect.ValueOf(message).Elem()
	p := planOf(v.Type())
	if enc == JSON {
		return p.appendJSON(frame, v)
	}
	start := len(frame)
	return prefixLength(p.appendProtobuf(frame, v), start)
}

func decodeFrame[T any](enc Encoding, frame []byte, limits Limits, check func(*T) error) ([]*T, error) {
	if len(frame) > limits.Bytes {
		return nil, ErrFrameTooLarge
	}
	var messages []*T
	for {
		content, rest, err := nextMessage(enc, frame)
		if err == nil && content == nil {
			break
		}
		if err == nil && len(messages) == limits.Messages {
			err = ErrTooManyMessages
		}
		if err == nil && limits.Message > 0 && len(content) > limits.Message {
			err = ErrMessageTooLarge
		}
		message := new(T)
		if err == nil {
			err = decodeMessage(enc, content, message)
		}
		if err == nil {
			err = check(message)
		}
		if err != nil {
			return messages, &FrameError{Index: len(messages), Err: err}
		}
		messages = append(messages, message)
		frame = rest
	}
	if len(messages) == 0 {
		return nil, ErrEmptyFrame
	}
	return messages, nil
}

// nextMessage cuts the first message off a frame; content is nil at the end of the frame.
func nextMessage(enc Encoding, frame []byte) (content, rest []byte, err error) {
	if enc == JSON {
		frame = bytes.TrimLeft(frame, " \t\r\n")
	}
	if len(frame) == 0 {
		return nil, nil, nil
	}
	if enc == Protobuf {
		content, n := protowire.ConsumeBytes(frame)
		if n < 0 {
			return nil, nil, errInvalidLength
		}
		return content, frame[n:], nil
	}
	if frame[0] != '{' {
		return nil, nil, errNotObject
	}
	end, err := closing(frame)
	return frame[:end], frame[end:], err
}

func decodeMessage[T any](enc Encoding, content []byte, message *T) error {
	if enc == Protobuf {
		v := reflect.ValueOf(message).Elem()
		return planOf(v.Type()).decodeProtobuf(content, v)
	}
	if !utf8.Valid(content) {
		return errNotUTF8
	}
	return decodeJSON(content, message)
}

// decodeJSON says what is wrong in words for a client, who knows nothing of our types.
func decodeJSON(content []byte, into any) error {
	err := json.Unmarshal(content, into)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: unexpected %s", cmp.Or(strings.ToLower(wrong.Field), "the whole"), wrong.Value)
	}
	return err
}

func (c *Command) check(limits Limits) error {
	switch requests := c.requests(); {
	case requests > 1:
		return errManyRequests
	case requests == 0 && c.ID != 0:
		return errNoRequest
	case requests == 1 && c.ID == 0 && c.Send == nil:
		return errNoID
	}
	if c.Connect == nil {
		return nil
	}
	if len(c.Connect.Subs) > limits.Entries || len(c.Connect.Headers) > limits.Entries {
		return errTooManyInMap
	}
	for _, sub := range c.Connect.Subs {
		if sub == nil {
			return errNullInMap
		}
	}
	return nil
}
