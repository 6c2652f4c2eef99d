package protocol

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// schema is the table of messages from the protocol's description, written down a second time, independent of the
// struct tags: message, then name, number and type of its fields.
const schema = `
Command: id 1 uint32, connect 4 ConnectRequest, subscribe 5 SubscribeRequest, unsubscribe 6 UnsubscribeRequest, publish 7 PublishRequest, presence 8 PresenceRequest, presence_stats 9 PresenceStatsRequest, history 10 HistoryRequest, ping 11 PingRequest, send 12 SendRequest, rpc 13 RPCRequest, refresh 14 RefreshRequest, sub_refresh 15 SubRefreshRequest
Reply: id 1 uint32, error 2 Error, push 4 Push, connect 5 ConnectResult, subscribe 6 SubscribeResult, unsubscribe 7 UnsubscribeResult, publish 8 PublishResult, presence 9 PresenceResult, presence_stats 10 PresenceStatsResult, history 11 HistoryResult, ping 12 PingResult, rpc 13 RPCResult, refresh 14 RefreshResult, sub_refresh 15 SubRefreshResult
Error: code 1 uint32, message 2 string, temporary 3 bool
Push: channel 2 string, pub 4 Publication, join 5 JoinPush, leave 6 LeavePush, unsubscribe 7 UnsubscribePush, message 8 MessagePush, subscribe 9 SubscribePush, connect 10 ConnectPush, disconnect 11 DisconnectPush, refresh 12 RefreshPush
JoinPush: info 1 ClientInfo
LeavePush: info 1 ClientInfo
UnsubscribePush: code 2 uint32, reason 3 string
MessagePush: data 1 bytes
SubscribePush: recoverable 1 bool, epoch 4 string, offset 5 uint64, positioned 6 bool, data 7 bytes
ConnectPush: client 1 string, version 2 string, data 3 bytes, subs 4 map SubscribeResult, expires 5 bool, ttl 6 uint32, ping 7 uint32, pong 8 bool, session 9 string, node 10 string, time 11 int64
DisconnectPush: code 1 uint32, reason 2 string, reconnect 3 bool
RefreshPush: expires 1 bool, ttl 2 uint32
ClientInfo: user 1 string, client 2 string, conn_info 3 bytes, chan_info 4 bytes
Publication: data 4 bytes, info 5 ClientInfo, offset 6 uint64, tags 7 map string, delta 8 bool, time 9 int64
ConnectRequest: token 1 string, data 2 bytes, subs 3 map SubscribeRequest, name 4 string, version 5 string, headers 6 map string
ConnectResult: client 1 string, version 2 string, expires 3 bool, ttl 4 uint32, data 5 bytes, subs 6 map SubscribeResult, ping 7 uint32, pong 8 bool, session 9 string, node 10 string, time 11 int64
SubscribeRequest: channel 1 string, token 2 string, recover 3 bool, epoch 6 string, offset 7 uint64, data 8 bytes, positioned 9 bool, recoverable 10 bool, join_leave 11 bool, delta 12 string
SubscribeResult: expires 1 bool, ttl 2 uint32, recoverable 3 bool, epoch 6 string, publications 7 repeated Publication, recovered 8 bool, offset 9 uint64, positioned 10 bool, data 11 bytes, was_recovering 12 bool, delta 13 bool
UnsubscribeRequest: channel 1 string
UnsubscribeResult:
PublishRequest: channel 1 string, data 2 bytes
PublishResult:
PresenceRequest: channel 1 string
PresenceResult: presence 1 map ClientInfo
PresenceStatsRequest: channel 1 string
PresenceStatsResult: num_clients 1 uint32, num_users 2 uint32
HistoryRequest: channel 1 string, limit 7 int32, since 8 StreamPosition, reverse 9 bool
StreamPosition: offset 1 uint64, epoch 2 string
HistoryResult: publications 1 repeated Publication, epoch 2 string, offset 3 uint64
PingRequest:
PingResult:
SendRequest: data 1 bytes
RPCRequest: data 1 bytes, method 2 string
RPCResult: data 1 bytes
RefreshRequest: token 1 string
RefreshResult: client 1 string, version 2 string, expires 3 bool, ttl 4 uint32
SubRefreshRequest: channel 1 string, token 2 string
SubRefreshResult: expires 1 bool, ttl 2 uint32
EmulationRequest: node 1 string, session 2 string, data 3 bytes
`

var scalarTypes = map[string]descriptorpb.FieldDescriptorProto_Type{
	"bool": descriptorpb.FieldDescriptorProto_TYPE_BOOL, "string": descriptorpb.FieldDescriptorProto_TYPE_STRING,
	"bytes": descriptorpb.FieldDescriptorProto_TYPE_BYTES, "uint32": descriptorpb.FieldDescriptorProto_TYPE_UINT32,
	"uint64": descriptorpb.FieldDescriptorProto_TYPE_UINT64, "int32": descriptorpb.FieldDescriptorProto_TYPE_INT32,
	"int64": descriptorpb.FieldDescriptorProto_TYPE_INT64,
}

// official gives the schema to the official library.
var official = sync.OnceValue(func() protoreflect.MessageDescriptors {
	file := &descriptorpb.FileDescriptorProto{Name: proto.String("client.proto"), Package: proto.String("p"), Syntax: proto.String("proto3")}
	for line := range strings.Lines(strings.TrimSpace(schema)) {
		name, fields, _ := strings.Cut(strings.TrimSpace(line), ":")
		message := &descriptorpb.DescriptorProto{Name: proto.String(name)}
		for _, text := range strings.FieldsFunc(fields, func(r rune) bool { return r == ',' }) {
			addField(message, strings.Fields(text))
		}
		file.MessageType = append(file.MessageType, message)
	}
	descriptor, err := protodesc.NewFile(file, nil)
	if err != nil {
		panic(err)
	}
	return descriptor.Messages()
})

func addField(message *descriptorpb.DescriptorProto, words []string) {
	number, err := strconv.Atoi(words[1])
	if err != nil {
		panic(err)
	}
	field := newFieldDescriptor(words[0], number, words[len(words)-1])
	message.Field = append(message.Field, field)
	switch words[2] {
	case "repeated":
		field.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	case "map":
		entry := &descriptorpb.DescriptorProto{
			Name:    proto.String(strings.ToUpper(words[0][:1]) + words[0][1:] + "Entry"),
			Field:   []*descriptorpb.FieldDescriptorProto{newFieldDescriptor("key", 1, "string"), newFieldDescriptor("value", 2, words[3])},
			Options: &descriptorpb.MessageOptions{MapEntry: proto.Bool(true)},
		}
		message.NestedType = append(message.NestedType, entry)
		field.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
		field.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		field.TypeName = proto.String(".p." + message.GetName() + "." + entry.GetName())
	}
}

func newFieldDescriptor(name string, number int, typeName string) *descriptorpb.FieldDescriptorProto {
	field := &descriptorpb.FieldDescriptorProto{
		Name: proto.String(name), Number: proto.Int32(int32(number)), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
	}
	if scalar, ok := scalarTypes[typeName]; ok {
		field.Type = scalar.Enum()
	} else {
		field.Type = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
		field.TypeName = proto.String(".p." + typeName)
	}
	return field
}

func newOfficial(v reflect.Value) *dynamicpb.Message {
	return dynamicpb.NewMessage(official().ByName(protoreflect.Name(v.Type().Name())))
}

// fatal is what compare needs of a test, a fuzz run or a rapid check.
type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
}

// compare fails unless the struct says the same as the message that the official library read.
func compare(t fatal, v reflect.Value, m protoreflect.Message) {
	t.Helper()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fd := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			t.Fatalf("%s.%s is not in the schema", v.Type().Name(), name)
		}
		value, got := v.Field(i), m.Get(fd)
		switch {
		case fd.IsList():
			if value.Len() != got.List().Len() {
				t.Fatalf("%s: %d items, official %d", fd.FullName(), value.Len(), got.List().Len())
			}
			for j := range value.Len() {
				compare(t, value.Index(j).Elem(), got.List().Get(j).Message())
			}
		case fd.IsMap():
			if value.Len() != got.Map().Len() {
				t.Fatalf("%s: %d entries, official %d", fd.FullName(), value.Len(), got.Map().Len())
			}
			for _, key := range value.MapKeys() {
				compareValue(t, fd.MapValue(), value.MapIndex(key), got.Map().Get(protoreflect.ValueOfString(key.String()).MapKey()))
			}
		case fd.Message() != nil && value.IsNil() != !m.Has(fd):
			t.Fatalf("%s: set %v, official %v", fd.FullName(), !value.IsNil(), m.Has(fd))
		case fd.Message() == nil || !value.IsNil():
			compareValue(t, fd, value, got)
		}
	}
}

func compareValue(t fatal, fd protoreflect.FieldDescriptor, value reflect.Value, got protoreflect.Value) {
	t.Helper()
	if !got.IsValid() {
		t.Fatalf("%s: official has none", fd.FullName())
	}
	if fd.Message() != nil {
		compare(t, value.Elem(), got.Message())
		return
	}
	same := false
	if fd.Kind() == protoreflect.BytesKind {
		same = string(value.Bytes()) == string(got.Bytes())
	} else {
		same = reflect.DeepEqual(value.Interface(), got.Interface())
	}
	if !same {
		t.Fatalf("%s: %v, official %v", fd.FullName(), value, got)
	}
}

func TestStructsHaveTheFieldsOfTheSchema(t *testing.T) {
	seen := map[string]bool{}
	for _, root := range []any{Command{}, Reply{}, EmulationRequest{}} {
		checkFields(t, reflect.TypeOf(root), seen)
	}
	for i := range official().Len() {
		if name := string(official().Get(i).Name()); !seen[name] {
			t.Errorf("no struct leads to %s", name)
		}
	}
}

func checkFields(t *testing.T, typ reflect.Type, seen map[string]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || seen[typ.Name()] {
		return
	}
	seen[typ.Name()] = true
	fields := official().ByName(protoreflect.Name(typ.Name())).Fields()
	if fields.Len() != typ.NumField() {
		t.Errorf("%s has %d fields, the schema %d", typ.Name(), typ.NumField(), fields.Len())
	}
	for _, f := range newPlan(typ).fields {
		if fd := fields.ByName(protoreflect.Name(f.name)); fd == nil || fd.Number() != f.number {
			t.Errorf("%s.%s has number %d, the schema %v", typ.Name(), f.name, f.number, fd)
		}
		checkFields(t, typ.Field(f.index).Type, seen)
	}
}
