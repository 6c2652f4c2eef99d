package chatjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Error says what is wrong with JSON that was read, in words for whoever wrote it.
type Error struct {
	// Field is the path of the field, such as attachments[2].url; empty if it is the whole.
	Field string
	// Want says what belongs there.
	Want string
}

// Error gives the words.
func (e *Error) Error() string {
	if e.Field == "" {
		return "the request must be " + e.Want
	}
	return e.Field + " must be " + e.Want
}

// Unmarshal reads JSON into a message, whatever it held before. Errors are of type *Error.
func Unmarshal(data []byte, m proto.Message) error {
	proto.Reset(m)
	if !utf8.Valid(data) || !json.Valid(data) {
		return &Error{Want: "JSON in UTF-8"}
	}
	return readMessage("", data, m.ProtoReflect())
}

func readMessage(path string, data []byte, m protoreflect.Message) error {
	if wellKnown(m.Descriptor()) {
		if protojson.Unmarshal(data, m.Interface()) != nil {
			return &Error{path, wanted(m.Descriptor())}
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return &Error{path, "an object"}
	}
	fields := m.Descriptor().Fields()
	seen := map[protoreflect.FieldNumber]bool{}
	for d.More() {
		var value json.RawMessage
		key, err := d.Token()
		if err == nil {
			err = d.Decode(&value)
		}
		if err != nil {
			return &Error{path, "an object"}
		}
		name, _ := key.(string)
		field := fields.ByName(protoreflect.Name(name))
		if field == nil {
			field = fields.ByJSONName(name)
		}
		if field == nil {
			continue
		}
		inside := join(path, string(field.Name()))
		if seen[field.Number()] {
			return &Error{inside, "there only once"}
		}
		seen[field.Number()] = true
		if err := readField(inside, value, m, field); err != nil {
			return err
		}
	}
	return nil
}

func wanted(d protoreflect.MessageDescriptor) string {
	if d.FullName() == "google.protobuf.Struct" {
		return "an object"
	}
	return "JSON with numbers that a double can hold, and no name twice in an object"
}

func join(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

func readField(path string, data []byte, m protoreflect.Message, field protoreflect.FieldDescriptor) error {
	if string(data) == "null" && (field.IsList() || !holdsNull(field)) {
		return nil
	}
	switch {
	case field.IsMap():
		return &Error{path, "left out: maps have no JSON here"}
	case field.IsList():
		return readList(path, data, m.Mutable(field).List(), field)
	case field.Kind() == protoreflect.MessageKind:
		return readMessage(path, data, m.Mutable(field).Message())
	}
	value, err := readScalar(path, data, field)
	if err == nil {
		m.Set(field, value)
	}
	return err
}

// holdsNull says whether null is a value of the field, and not the same as leaving it out.
func holdsNull(field protoreflect.FieldDescriptor) bool {
	return field.Message() != nil && field.Message().FullName() == "google.protobuf.Value"
}

func readList(path string, data []byte, list protoreflect.List, field protoreflect.FieldDescriptor) error {
	var values []json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		return &Error{path, "a list"}
	}
	for i, data := range values {
		inside := fmt.Sprintf("%s[%d]", path, i)
		if field.Kind() == protoreflect.MessageKind {
			if err := readMessage(inside, data, list.AppendMutable().Message()); err != nil {
				return err
			}
			continue
		}
		value, err := readScalar(inside, data, field)
		if err != nil {
			return err
		}
		list.Append(value)
	}
	return nil
}
