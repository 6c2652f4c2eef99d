package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

var (
	errNotUTF8     = errors.New("not valid UTF-8")
	errFieldNumber = errors.New("field number out of range")
)

func (p *plan) decodeProtobuf(data []byte, v reflect.Value) error {
	return eachField(data, func(number protowire.Number, wire protowire.Type, value []byte) error {
		f := p.find(number, wire)
		if f == nil {
			return nil
		}
		if err := f.decodeProtobuf(value, v.Field(f.index)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		return nil
	})
}

// eachField calls visit with every field of a message: for a length-delimited one with what follows the length.
func eachField(data []byte, visit func(protowire.Number, protowire.Type, []byte) error) error {
	for len(data) > 0 {
		number, wire, n := protowire.ConsumeTag(data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if number > protowire.MaxValidNumber {
			return errFieldNumber
		}
		data = data[n:]
		n = protowire.ConsumeFieldValue(number, wire, data)
		if n < 0 {
			return protowire.ParseError(n)
		}
		value := data[:n]
		data = data[n:]
		if wire == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
		}
		if err := visit(number, wire, value); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) decodeProtobuf(value []byte, v reflect.Value) error {
	switch f.kind {
	case kindBool, kindUint, kindInt:
		number, _ := protowire.ConsumeVarint(value)
		f.setNumber(v, number)
	case kindString:
		if !utf8.Valid(value) {
			return errNotUTF8
		}
		v.SetString(string(value))
	case kindBytes:
		v.SetBytes(bytes.Clone(value))
	case kindMessage:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return f.message.decodeProtobuf(value, v.Elem())
	case kindList:
		item := reflect.New(v.Type().Elem().Elem())
		v.Set(reflect.Append(v, item))
		return f.message.decodeProtobuf(value, item.Elem())
	case kindMap:
		return f.decodeEntry(value, v)
	}
	return nil
}

// setNumber cuts a number that is too long for its field, as Protobuf wants it.
func (f *field) setNumber(v reflect.Value, number uint64) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(protowire.DecodeBool(number))
	case reflect.Uint32:
		v.SetUint(uint64(uint32(number)))
	case reflect.Uint64:
		v.SetUint(number)
	case reflect.Int32:
		v.SetInt(int64(int32(number)))
	default:
		v.SetInt(int64(number))
	}
}

func (f *field) decodeEntry(entry []byte, m reflect.Value) error {
	if m.IsNil() {
		m.Set(reflect.MakeMap(m.Type()))
	}
	key, value := "", reflect.New(m.Type().Elem()).Elem()
	if f.message != nil {
		value.Set(reflect.New(value.Type().Elem()))
	}
	err := eachField(entry, func(number protowire.Number, wire protowire.Type, content []byte) error {
		switch {
		case wire != protowire.BytesType || number > 2:
			return nil
		case number == 2 && f.message != nil:
			return f.message.decodeProtobuf(content, value.Elem())
		case !utf8.Valid(content):
			return errNotUTF8
		case number == 1:
			key = string(content)
		default:
			value.SetString(string(content))
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.SetMapIndex(reflect.ValueOf(key), value)
	return nil
}
