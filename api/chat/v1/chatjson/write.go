package chatjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Marshal writes a message as compact JSON, its fields in the order of the definition. It fails for strings that are no UTF-8, for values
// that are no JSON (NaN), and for kinds of fields that the vocabulary does not have.
func Marshal(m proto.Message) ([]byte, error) {
	var w writer
	if err := w.message(m.ProtoReflect()); err != nil {
		return nil, fmt.Errorf("write %s as JSON: %w", m.ProtoReflect().Descriptor().Name(), err)
	}
	return w.out.Bytes(), nil
}

type writer struct{ out bytes.Buffer }

func (w *writer) message(m protoreflect.Message) error {
	if wellKnown(m.Descriptor()) {
		return w.wellKnown(m)
	}
	w.out.WriteByte('{')
	comma := false
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		if comma {
			w.out.WriteByte(',')
		}
		comma = true
		fmt.Fprintf(&w.out, `"%s":`, field.Name())
		if err := w.field(field, m.Get(field)); err != nil {
			return fmt.Errorf("%s: %w", field.Name(), err)
		}
	}
	w.out.WriteByte('}')
	return nil
}

// wellKnown says whether a message is one of Google's, which have a JSON form of their own.
func wellKnown(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.protobuf"
}

func (w *writer) wellKnown(m protoreflect.Message) error {
	written, err := protojson.Marshal(m.Interface())
	if err != nil {
		return err
	}
	return json.Compact(&w.out, written) // the library varies its white space
}

func (w *writer) field(field protoreflect.FieldDescriptor, value protoreflect.Value) error {
	if field.IsMap() {
		return fmt.Errorf("maps have no JSON here")
	}
	if !field.IsList() {
		return w.one(field, value)
	}
	w.out.WriteByte('[')
	list := value.List()
	for i := range list.Len() {
		if i > 0 {
			w.out.WriteByte(',')
		}
		if err := w.one(field, list.Get(i)); err != nil {
			return err
		}
	}
	w.out.WriteByte(']')
	return nil
}

func (w *writer) one(field protoreflect.FieldDescriptor, value protoreflect.Value) error {
	switch field.Kind() {
	case protoreflect.BoolKind, protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		w.out.WriteString(value.String())
	case protoreflect.StringKind:
		return w.text(value.String())
	case protoreflect.EnumKind:
		w.enum(field.Enum(), value.Enum())
	case protoreflect.MessageKind:
		return w.message(value.Message())
	default:
		return fmt.Errorf("fields of kind %s have no JSON here", field.Kind())
	}
	return nil
}

// text writes < and > as they are: the JSON stands in no page.
func (w *writer) text(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("not UTF-8")
	}
	e := json.NewEncoder(&w.out)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return err
	}
	w.out.Truncate(w.out.Len() - 1) // the encoder's newline
	return nil
}

// enum writes a number that the definition does not name as a number.
func (w *writer) enum(d protoreflect.EnumDescriptor, n protoreflect.EnumNumber) {
	if value := d.Values().ByNumber(n); value != nil {
		fmt.Fprintf(&w.out, `"%s"`, ShortName(value))
		return
	}
	w.out.WriteString(strconv.Itoa(int(n)))
}

// ShortName is what an enum's value is called in JSON: its name without that of the enum, in lower case.
func ShortName(value protoreflect.EnumValueDescriptor) string {
	enum := value.Parent().(protoreflect.EnumDescriptor)
	return strings.ToLower(strings.TrimPrefix(string(value.Name()), enumPrefix(enum)))
}

// enumPrefix is what the names of an enum's values begin with: ROOM_KIND_ for RoomKind.
func enumPrefix(d protoreflect.EnumDescriptor) string {
	var b strings.Builder
	for i, r := range string(d.Name()) {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String()) + "_"
}
