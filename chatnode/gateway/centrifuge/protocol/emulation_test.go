package protocol

import (
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
)

func TestEmulationRequest(t *testing.T) {
	body := `{"session":"s","node":"n","data":"{\"id\":1,\"ping\":{}}\n{}","more":1}`
	want := &EmulationRequest{Node: "n", Session: "s", Data: []byte("{\"id\":1,\"ping\":{}}\n{}")}
	if got, err := DecodeEmulation(JSON, []byte(body)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	want.Data = []byte{0, 0xff} // binary in Protobuf
	encoded := AppendEmulation(Protobuf, nil, want)
	if string(encoded) != "\x0a\x01n\x12\x01s\x1a\x02\x00\xff" {
		t.Errorf("%x", encoded)
	}
	dynamic := newOfficial(reflect.ValueOf(*want))
	if err := proto.Unmarshal(encoded, dynamic); err != nil {
		t.Fatal(err)
	}
	compare(t, reflect.ValueOf(*want), dynamic)
}

func TestBrokenEmulationRequests(t *testing.T) {
	for _, body := range []string{
		``, `null`, `{}`, `[]`, `{"session":""}`, `{"session":1}`, `{"session":"s","data":{}}`, `{"session":"s"} x`, "{\"session\":\"\xff\"}",
	} {
		if got, err := DecodeEmulation(JSON, []byte(body)); err == nil {
			t.Errorf("%q: %+v", body, got)
		}
	}
	for _, body := range []string{"", "\x12", "\x12\x01\xff", "\x0a\x01n", "\x00"} {
		if got, err := DecodeEmulation(Protobuf, []byte(body)); err == nil {
			t.Errorf("%q: %+v", body, got)
		}
	}
}
