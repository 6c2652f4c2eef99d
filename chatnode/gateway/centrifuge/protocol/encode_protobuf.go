package protocol

import (
	"reflect"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

func (p *plan) appendProtobuf(dst []byte, v reflect.Value) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		if value := v.Field(f.index); !f.empty(value) {
			dst = f.appendProtobuf(dst, value)
		}
	}
	return dst
}

func (f *field) appendProtobuf(dst []byte, v reflect.Value) []byte {
	switch f.kind {
	case kindList:
		for i := range v.Len() {
			dst = f.message.appendDelimited(dst, f.number, v.Index(i))
		}
		return dst
	case kindMap:
		for _, key := range sortedKeys(v) {
			dst = f.appendEntry(dst, key, v.MapIndex(key))
		}
		return dst
	case kindMessage:
		return f.message.appendDelimited(dst, f.number, v)
	}
	dst = protowire.AppendTag(dst, f.number, f.kind.wire())
	switch f.kind {
	case kindBool:
		return append(dst, 1)
	case kindUint:
		return protowire.AppendVarint(dst, v.Uint())
	case kindInt:
		return protowire.AppendVarint(dst, uint64(v.Int()))
	case kindString:
		return appendString(dst, v.String())
	default:
		return protowire.AppendBytes(dst, v.Bytes())
	}
}

func (f *field) appendEntry(dst []byte, key, value reflect.Value) []byte {
	dst = protowire.AppendTag(dst, f.number, protowire.BytesType)
	start := len(dst)
	dst = protowire.AppendTag(dst, 1, protowire.BytesType)
	dst = appendString(dst, key.String())
	if f.message != nil {
		dst = f.message.appendDelimited(dst, 2, value)
	} else {
		dst = protowire.AppendTag(dst, 2, protowire.BytesType)
		dst = appendString(dst, value.String())
	}
	return prefixLength(dst, start)
}

// appendDelimited appends the message that pointer points to; a nil pointer is an empty message.
func (p *plan) appendDelimited(dst []byte, number protowire.Number, pointer reflect.Value) []byte {
	dst = protowire.AppendTag(dst, number, protowire.BytesType)
	start := len(dst)
	if !pointer.IsNil() {
		dst = p.appendProtobuf(dst, pointer.Elem())
	}
	return prefixLength(dst, start)
}

// prefixLength moves dst[start:] to make place for its length before it.
func prefixLength(dst []byte, start int) []byte {
	size := len(dst) - start
	width := protowire.SizeVarint(uint64(size))
	dst = protowire.AppendVarint(dst, uint64(size))
	copy(dst[start+width:], dst[start:start+size])
	protowire.AppendVarint(dst[:start], uint64(size))
	return dst
}

// appendString keeps the promise of Protobuf that a string is UTF-8: clients close the connection otherwise.
func appendString(dst []byte, s string) []byte {
	return protowire.AppendString(dst, strings.ToValidUTF8(s, "\uFFFD"))
}
