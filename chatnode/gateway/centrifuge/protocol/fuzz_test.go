package protocol

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
)

func FuzzDecodeCommandsJSON(f *testing.F) {
	for _, record := range readGolden(f) {
		f.Add([]byte(record.json))
		f.Add([]byte(record.json + "\n" + record.json))
	}
	f.Add([]byte("{\"id\":1,\"publish\":{\"channel\":\"\\ud800\",\"data\":{\n\"a\":[1e400]}}} {}"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if commands, err := DecodeCommands(JSON, frame, DefaultLimits); err == nil {
			for _, command := range commands {
				sameAfterEncoding(t, JSON, command)
				sameAfterEncoding(t, Protobuf, command)
			}
		}
	})
}

func FuzzDecodeCommandsProtobuf(f *testing.F) {
	for _, record := range readGolden(f) {
		f.Add(record.protobuf)
		f.Add(append(record.protobuf, record.protobuf...))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if commands, err := DecodeCommands(Protobuf, frame, DefaultLimits); err == nil {
			for _, command := range commands {
				sameAfterEncoding(t, Protobuf, command)
			}
		}
		message, _, err := nextMessage(Protobuf, frame)
		if err != nil {
			return
		}
		command, dynamic := new(Command), newOfficial(reflect.ValueOf(Command{}))
		err = decodeMessage(Protobuf, message, command)
		panicked, officialErr := unmarshalOfficial(message, dynamic)
		if panicked {
			return
		}
		if (err == nil) != (officialErr == nil) {
			t.Fatalf("%v, official %v", err, officialErr)
		}
		if err == nil {
			compare(t, reflect.ValueOf(*command), dynamic)
		}
	})
}

// unmarshalOfficial asks the official library, which panics on a map entry whose key comes a second time with another
// wire type; it has no opinion then.
func unmarshalOfficial(data []byte, message proto.Message) (panicked bool, err error) {
	defer func() { panicked = recover() != nil }()
	return false, proto.Unmarshal(data, message)
}

// sameAfterEncoding fails unless the command survives being encoded and decoded. Commands are compared as bytes:
// line breaks in raw JSON are allowed to become spaces.
func sameAfterEncoding(t *testing.T, enc Encoding, command *Command) {
	t.Helper()
	once := AppendCommand(enc, nil, command)
	limits := DefaultLimits
	limits.Bytes = 2 * limits.Bytes * 6 // a control character takes six bytes when it is quoted
	again, err := DecodeCommands(enc, once, limits)
	if err != nil || len(again) != 1 {
		t.Fatalf("%q decodes to %d commands: %v", once, len(again), err)
	}
	if twice := AppendCommand(enc, nil, again[0]); string(twice) != string(once) {
		t.Fatalf("%q became %q", once, twice)
	}
}

func FuzzEmulation(f *testing.F) {
	f.Add(false, []byte(`{"session":"s","node":"n","data":"{}"}`))
	f.Add(true, []byte("\x0a\x01n\x12\x01s\x1a\x02\x00\xff"))
	f.Fuzz(func(t *testing.T, protobuf bool, body []byte) {
		enc := JSON
		if protobuf {
			enc = Protobuf
		}
		request, err := DecodeEmulation(enc, body)
		if err != nil {
			return
		}
		again, err := DecodeEmulation(enc, AppendEmulation(enc, nil, request))
		if err != nil || string(again.Data) != string(request.Data) || again.Session != request.Session || again.Node != request.Node {
			t.Fatalf("%+v became %+v: %v", request, again, err)
		}
	})
}
