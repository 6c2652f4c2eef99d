package chatjson

import (
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/structpb"
	"pgregory.net/rapid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// vocabulary is every kind of message that there is.
func vocabulary(t testing.TB) (kinds []protoreflect.MessageType) {
	t.Helper()
	messages := chatv1.File_api_chat_v1_chat_proto.Messages()
	for i := range messages.Len() {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(messages.Get(i).FullName())
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

// anything draws a message with any fields set to anything.
func anything(t *rapid.T, kind protoreflect.MessageType) protoreflect.Message {
	m := kind.New()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case !rapid.Bool().Draw(t, string(field.Name())):
		case field.IsList():
			list := m.Mutable(field).List()
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				list.Append(anyValue(t, field, list.NewElement))
			}
		default:
			m.Set(field, anyValue(t, field, func() protoreflect.Value { return m.NewField(field) }))
		}
	}
	return m
}

func anyValue(t *rapid.T, field protoreflect.FieldDescriptor, fresh func() protoreflect.Value) protoreflect.Value {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, "uint64"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.String().Draw(t, "string"))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(-1, 9).Draw(t, "enum")))
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Value":
			return protoreflect.ValueOfMessage(anyJSON(t, 2).ProtoReflect())
		case "google.protobuf.Struct":
			return protoreflect.ValueOfMessage(anyStruct(t, 2).ProtoReflect())
		}
		return protoreflect.ValueOfMessage(anything(t, fresh().Message().Type()))
	}
	t.Fatalf("%s is of a kind that chatjson doesn't know: %s", field.FullName(), field.Kind())
	return protoreflect.Value{}
}

func anyJSON(t *rapid.T, depth int) *structpb.Value {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(1, kinds).Draw(t, "kind") {
	case 1:
		return structpb.NewNullValue()
	case 2:
		return structpb.NewBoolValue(rapid.Bool().Draw(t, "bool"))
	case 3:
		return structpb.NewNumberValue(rapid.Float64().Draw(t, "number"))
	case 4:
		return structpb.NewStringValue(rapid.String().Draw(t, "string"))
	case 5:
		return structpb.NewStructValue(anyStruct(t, depth-1))
	}
	list := &structpb.ListValue{}
	for range rapid.IntRange(0, 2).Draw(t, "length") {
		list.Values = append(list.Values, anyJSON(t, depth-1))
	}
	return structpb.NewListValue(list)
}

func anyStruct(t *rapid.T, depth int) *structpb.Struct {
	s := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for range rapid.IntRange(0, 2).Draw(t, "names") {
		s.Fields[rapid.String().Draw(t, "name")] = anyJSON(t, depth)
	}
	return s
}
