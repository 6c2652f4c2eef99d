package protocol

import (
	"encoding/json"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

var anyJSON = rapid.SampledFrom([]string{`null`, `0`, `"é\n"`, `{"text":"a<b&c"}`, `[1, {"a":[]}]`, `{}`, `"\u2028"`})

// draw makes a random struct of the type, with maps and lists that are absent or not empty.
func draw(t *rapid.T, typ reflect.Type) reflect.Value {
	v := reflect.New(typ).Elem()
	switch typ.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Uint32:
		v.SetUint(uint64(rapid.Uint32().Draw(t, "uint32")))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "uint64"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int32")))
	case reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "int64"))
	case reflect.String:
		v.SetString(rapid.StringN(0, 6, -1).Draw(t, "string"))
	case reflect.Struct:
		for i := range typ.NumField() {
			v.Field(i).Set(draw(t, typ.Field(i).Type))
		}
	case reflect.Pointer:
		v.Set(reflect.New(typ.Elem()))
		v.Elem().Set(draw(t, typ.Elem()))
	case reflect.Slice, reflect.Map:
		drawMany(t, v)
	}
	return v
}

func drawMany(t *rapid.T, v reflect.Value) {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes([]byte(anyJSON.Draw(t, "raw")))
		return
	}
	for range rapid.IntRange(1, 2).Draw(t, "len") {
		item := draw(t, v.Type().Elem())
		if v.Kind() == reflect.Slice {
			v.Set(reflect.Append(v, item))
			continue
		}
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(draw(t, v.Type().Key()), item)
	}
}

// drawOne makes a message with one of its pointers set.
func drawOne[T any](t *rapid.T, skip int) *T {
	message := new(T)
	v := reflect.ValueOf(message).Elem()
	i := rapid.IntRange(skip, v.NumField()-1).Draw(t, "request")
	for j := range skip {
		v.Field(j).Set(draw(t, v.Type().Field(j).Type))
	}
	v.Field(i).Set(draw(t, v.Type().Field(i).Type))
	return message
}

func drawReply(t *rapid.T) *Reply {
	reply := drawOne[Reply](t, 1)
	if reply.Push != nil {
		reply.Push = drawOne[Push](t, 1)
	}
	return reply
}

func drawCommand(t *rapid.T) *Command {
	command := drawOne[Command](t, 1)
	command.ID = max(command.ID, 1)
	return command
}

func TestWhatIsEncodedIsDecodedTheSame(t *testing.T) {
	for _, enc := range []Encoding{JSON, Protobuf} {
		t.Run(enc.String(), rapid.MakeCheck(func(t *rapid.T) {
			commands := rapid.SliceOfN(rapid.Custom(drawCommand), 1, 3).Draw(t, "commands")
			replies := rapid.SliceOfN(rapid.Custom(drawReply), 1, 3).Draw(t, "replies")
			var up, down []byte
			for _, command := range commands {
				up = AppendCommand(enc, enc.AppendSeparator(up), command)
			}
			for _, reply := range replies {
				down = AppendReply(enc, enc.AppendSeparator(down), reply)
			}
			gotCommands, err := DecodeCommands(enc, up, DefaultLimits)
			if err != nil || !reflect.DeepEqual(gotCommands, commands) {
				t.Fatalf("commands: %v\n%s", err, up)
			}
			gotReplies, err := DecodeReplies(enc, down, DefaultLimits)
			if err != nil || !reflect.DeepEqual(gotReplies, replies) {
				t.Fatalf("replies: %v\n%s", err, down)
			}
		}))
	}
}

func TestTheOfficialLibraryReadsAndWritesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sameAsOfficial(t, drawCommand(t))
		sameAsOfficial(t, drawReply(t))
	})
}

func sameAsOfficial[T any](t *rapid.T, message *T) {
	t.Helper()
	v := reflect.ValueOf(message).Elem()
	encoded := planOf(v.Type()).appendProtobuf(nil, v)
	dynamic := newOfficial(v)
	if err := proto.Unmarshal(encoded, dynamic); err != nil {
		t.Fatalf("official: %v", err)
	}
	compare(t, v, dynamic)
	options := proto.MarshalOptions{Deterministic: true}
	written, err := options.Marshal(dynamic)
	if err != nil {
		t.Fatal(err)
	}
	back := new(T)
	if err := decodeMessage(Protobuf, written, back); err != nil || !reflect.DeepEqual(back, message) {
		t.Fatalf("written by the official library: %v\n%+v\n%+v", err, back, message)
	}
}

func TestJSONIsWhatTheStandardLibraryReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		reply := drawReply(t)
		encoded := AppendReply(JSON, nil, reply)
		back := new(Reply)
		if err := json.Unmarshal(encoded, back); err != nil || !reflect.DeepEqual(back, reply) {
			t.Fatalf("%v: %s", err, encoded)
		}
	})
}

func TestQuotingIsWhatTheStandardLibraryReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var expected, got string
		if err := json.Unmarshal(want, &expected); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(appendQuoted(nil, s), &got); err != nil || got != expected {
			t.Fatalf("%v: %q, want %q", err, got, expected)
		}
	})
}

func TestAppendPublicationIsAppendReply(t *testing.T) {
	for _, enc := range []Encoding{JSON, Protobuf} {
		t.Run(enc.String(), rapid.MakeCheck(func(t *rapid.T) {
			channel := rapid.String().Draw(t, "channel")
			pub := &Publication{
				Data:   []byte(rapid.SampledFrom([]string{"", `{"text":"é"}`, "{\n}", "[\r\n1]"}).Draw(t, "data")),
				Offset: rapid.Uint64().Draw(t, "offset"), Time: rapid.Int64().Draw(t, "time"),
			}
			spliced := &EncodedPublication{Data: pub.Data, Offset: pub.Offset, Time: pub.Time}
			if rapid.Bool().Draw(t, "with info") {
				pub.Info = &ClientInfo{User: "u" + rapid.String().Draw(t, "user"), ConnInfo: []byte("{\n}")}
				spliced.Info = AppendClientInfo(enc, nil, pub.Info)
			}
			want := AppendReply(enc, []byte("before"), &Reply{Push: &Push{Channel: channel, Pub: pub}})
			if got := AppendPublication(enc, []byte("before"), channel, spliced); string(got) != string(want) {
				t.Fatalf("%s\n%s", got, want)
			}
		}))
	}
}
