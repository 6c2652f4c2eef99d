package protocol

import (
	"bytes"
	"reflect"
	"strconv"
	"unicode/utf8"
)

func (p *plan) appendJSON(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for i := range p.fields {
		f := &p.fields[i]
		value := v.Field(f.index)
		if !f.always && f.empty(value) {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, f.key...)
		dst = f.appendJSON(dst, value)
	}
	return append(dst, '}')
}

func (f *field) appendJSON(dst []byte, v reflect.Value) []byte {
	switch f.kind {
	case kindBool:
		return strconv.AppendBool(dst, v.Bool())
	case kindUint:
		return strconv.AppendUint(dst, v.Uint(), 10)
	case kindInt:
		return strconv.AppendInt(dst, v.Int(), 10)
	case kindString:
		return appendQuoted(dst, v.String())
	case kindBytes:
		return appendRaw(dst, v.Bytes())
	case kindMessage:
		return f.message.appendPointer(dst, v)
	case kindList:
		return f.appendListJSON(dst, v)
	default:
		return f.appendMapJSON(dst, v)
	}
}

// appendPointer appends the message that pointer points to; a nil pointer is an empty message.
func (p *plan) appendPointer(dst []byte, pointer reflect.Value) []byte {
	if pointer.IsNil() {
		return append(dst, "{}"...)
	}
	return p.appendJSON(dst, pointer.Elem())
}

func (f *field) appendListJSON(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = f.message.appendPointer(dst, v.Index(i))
	}
	return append(dst, ']')
}

func (f *field) appendMapJSON(dst []byte, v reflect.Value) []byte {
	dst = append(dst, '{')
	for i, key := range sortedKeys(v) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, key.String()), ':')
		if f.message != nil {
			dst = f.message.appendPointer(dst, v.MapIndex(key))
		} else {
			dst = appendQuoted(dst, v.MapIndex(key).String())
		}
	}
	return append(dst, '}')
}

// appendRaw splices a JSON value. A line break in it can only be white space, and would end the message for the
// reader of a frame or of an SSE line, so it becomes a space.
func appendRaw(dst []byte, raw []byte) []byte {
	start := len(dst)
	dst = append(dst, raw...)
	if bytes.IndexByte(raw, '\n') < 0 && bytes.IndexByte(raw, '\r') < 0 {
		return dst
	}
	for i, b := range dst[start:] {
		if b == '\n' || b == '\r' {
			dst[start+i] = ' '
		}
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// appendQuoted appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		b := s[i]
		size := 1
		switch {
		case b == '"' || b == '\\':
			dst = append(append(dst, s[done:i]...), '\\', b)
		case b < ' ':
			dst = append(append(dst, s[done:i]...), '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		case b < utf8.RuneSelf:
			i++
			continue
		default:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[done:i]...), "\uFFFD"...)
		}
		i += size
		done = i
	}
	return append(append(dst, s[done:]...), '"')
}
