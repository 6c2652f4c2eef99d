package protocol

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// plan is how the struct of a message is written and read, made once per type from its tags.
type plan struct {
	fields   []field
	byNumber []*field // indexed by field number, nil where there is none
}

type field struct {
	index   int // in the struct
	name    string
	number  protowire.Number
	key     string // `"name":`
	always  bool   // JSON writes it even when it is empty
	kind    kind
	message *plan // of the message that a message, list or map holds, nil for a map of strings
}

type kind uint8

const (
	kindBool kind = iota
	kindUint
	kindInt
	kindString
	kindBytes
	kindMessage
	kindList
	kindMap
)

func (k kind) wire() protowire.Type {
	if k <= kindInt {
		return protowire.VarintType
	}
	return protowire.BytesType
}

var plans sync.Map // reflect.Type of a struct to *plan

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p, _ := plans.LoadOrStore(t, newPlan(t))
	return p.(*plan)
}

func newPlan(t reflect.Type) *plan {
	p := &plan{fields: make([]field, t.NumField())}
	for i := range p.fields {
		f := &p.fields[i]
		*f = newField(t.Field(i), i)
		for int(f.number) >= len(p.byNumber) {
			p.byNumber = append(p.byNumber, nil)
		}
		p.byNumber[f.number] = f
	}
	return p
}

func newField(sf reflect.StructField, index int) field {
	name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
	number, err := strconv.Atoi(sf.Tag.Get("pb"))
	if err != nil {
		panic(fmt.Sprintf("field %s has no number", sf.Name))
	}
	f := field{index: index, name: name, number: protowire.Number(number), key: strconv.Quote(name) + ":", always: options != "omitempty"}
	t := sf.Type
	switch t.Kind() {
	case reflect.Bool:
		f.kind = kindBool
	case reflect.Uint32, reflect.Uint64:
		f.kind = kindUint
	case reflect.Int32, reflect.Int64:
		f.kind = kindInt
	case reflect.String:
		f.kind = kindString
	case reflect.Pointer:
		f.kind, f.message = kindMessage, planOf(t.Elem())
	case reflect.Slice:
		f.kind = kindBytes
		if t.Elem().Kind() == reflect.Pointer {
			f.kind, f.message = kindList, planOf(t.Elem().Elem())
		}
	case reflect.Map:
		f.kind = kindMap
		if t.Elem().Kind() == reflect.Pointer {
			f.message = planOf(t.Elem().Elem())
		}
	default:
		panic(fmt.Sprintf("field %s has the unknown type %s", sf.Name, t))
	}
	return f
}

// find returns the field of that number and wire type; all else is unknown and skipped, as Protobuf wants it.
func (p *plan) find(number protowire.Number, wire protowire.Type) *field {
	if int(number) >= len(p.byNumber) {
		return nil
	}
	if f := p.byNumber[number]; f != nil && f.kind.wire() == wire {
		return f
	}
	return nil
}

// empty tells whether v has the value that stands for "not set" on the wire.
func (f *field) empty(v reflect.Value) bool {
	switch f.kind {
	case kindString, kindBytes, kindList, kindMap:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

// sortedKeys makes the encoding of a map the same every time.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}
