// Package packet is the wire format of MQTT 3.1.1 (OASIS Standard, 29 October 2014), as far as chat21 uses it: QoS 0 and 1.
//
// In go bytes as they come from a socket, out come whole packets with everything checked that the standard calls malformed; and the other
// way round. It knows no chat and no connection. Section numbers are those of the standard.
package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Type is a packet's kind (section 2.2.1).
type Type byte

// The types that are used.
const (
	TypeConnect     Type = 1
	TypeConnack     Type = 2
	TypePublish     Type = 3
	TypePuback      Type = 4
	TypeSubscribe   Type = 8
	TypeSuback      Type = 9
	TypeUnsubscribe Type = 10
	TypeUnsuback    Type = 11
	TypePingreq     Type = 12
	TypePingresp    Type = 13
	TypeDisconnect  Type = 14
)

var typeNames = map[Type]string{
	TypeConnect: "CONNECT", TypeConnack: "CONNACK", TypePublish: "PUBLISH", TypePuback: "PUBACK", TypeSubscribe: "SUBSCRIBE",
	TypeSuback: "SUBACK", TypeUnsubscribe: "UNSUBSCRIBE", TypeUnsuback: "UNSUBACK", TypePingreq: "PINGREQ",
	TypePingresp: "PINGRESP", TypeDisconnect: "DISCONNECT",
}

// String is the type's name in the standard.
func (t Type) String() string {
	if name := typeNames[t]; name != "" {
		return name
	}
	return fmt.Sprintf("type %d", byte(t))
}

// Packet is one packet as it was cut out of the stream.
type Packet struct {
	Type Type
	// Flags are the four bits beside the type.
	Flags byte
	// Body is what follows the fixed header. It is part of the buffer that was cut.
	Body []byte
}

var (
	// ErrMalformed says that bytes are no packet, or none that may be sent so.
	ErrMalformed = errors.New("malformed packet")
	// ErrTooLarge says that a packet has more bytes than are taken.
	ErrTooLarge = errors.New("packet too large")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// maxLengthBytes is how many bytes a remaining length has at most (section 2.2.3).
const maxLengthBytes = 4

// Cut takes the first packet off a stream. more is true if it is not all there yet; then nothing is taken. limit is the most bytes of a
// whole packet. Errors: ErrMalformed, ErrTooLarge.
func Cut(stream []byte, limit int) (p Packet, rest []byte, more bool, err error) {
	if len(stream) == 0 {
		return p, stream, true, nil
	}
	p.Type, p.Flags = Type(stream[0]>>4), stream[0]&0x0f
	if err := p.checkFlags(); err != nil {
		return p, stream, false, err
	}
	length, at := 0, 1
	for shift := 0; ; shift += 7 {
		if at > maxLengthBytes {
			return p, stream, false, malformed("a length of more than %d bytes", maxLengthBytes)
		}
		if at == len(stream) {
			return p, stream, true, nil
		}
		b := stream[at]
		at++
		length |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			break
		}
	}
	if at+length > limit {
		return p, stream, false, fmt.Errorf("%w: %s of %d bytes, at most %d are taken", ErrTooLarge, p.Type, at+length, limit)
	}
	if len(stream) < at+length {
		return p, stream, true, nil
	}
	p.Body = stream[at : at+length : at+length]
	return p, stream[at+length:], false, nil
}

// checkFlags refuses unknown types, and flags that the standard reserves (section 2.2.2).
func (p Packet) checkFlags() error {
	want := byte(0)
	switch p.Type {
	case TypePublish:
		return nil
	case TypeSubscribe, TypeUnsubscribe:
		want = 2
	default:
		if typeNames[p.Type] == "" {
			return malformed("%s is not spoken here", p.Type)
		}
	}
	if p.Flags != want {
		return malformed("flags %#x of %s", p.Flags, p.Type)
	}
	return nil
}

// reader takes a packet's body apart.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = malformed(format, args...)
	}
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail("it ends too early")
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uint16() uint16 {
	if len(r.rest) < 2 {
		r.fail("it ends too early")
		r.rest = nil
		return 0
	}
	n := binary.BigEndian.Uint16(r.rest)
	r.rest = r.rest[2:]
	return n
}

// bytes reads a field with its length in front.
func (r *reader) bytes() []byte {
	n := int(r.uint16())
	if len(r.rest) < n {
		r.fail("a field is longer than the packet")
		r.rest = nil
		return nil
	}
	field := r.rest[:n:n]
	r.rest = r.rest[n:]
	return field
}

// text reads a string (section 1.5.3).
func (r *reader) text() string {
	field := r.bytes()
	if !utf8.Valid(field) {
		r.fail("a string is not UTF-8")
	}
	for _, b := range field {
		if b == 0 {
			r.fail("a string with the character U+0000")
		}
	}
	return string(field)
}

// id reads a packet identifier (section 2.3.1).
func (r *reader) id() uint16 {
	id := r.uint16()
	if id == 0 {
		r.fail("packet identifier 0")
	}
	return id
}

func (r *reader) end() error {
	if len(r.rest) > 0 {
		r.fail("%d bytes too many", len(r.rest))
	}
	return r.err
}

// appendHeader begins a packet whose body has that length.
func appendHeader(dst []byte, t Type, flags byte, length int) []byte {
	dst = append(dst, byte(t)<<4|flags)
	for {
		b := byte(length & 0x7f)
		if length >>= 7; length == 0 {
			return append(dst, b)
		}
		dst = append(dst, b|0x80)
	}
}

func appendText[T string | []byte](dst []byte, text T) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(text))), text...)
}

func appendID(dst []byte, t Type, id uint16) []byte {
	return binary.BigEndian.AppendUint16(appendHeader(dst, t, 0, 2), id)
}
