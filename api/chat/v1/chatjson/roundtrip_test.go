package chatjson

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

func TestMessagesComeBackAsTheyWere(t *testing.T) {
	for _, kind := range vocabulary(t) {
		t.Run(string(kind.Descriptor().Name()), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := anything(t, kind).Interface()
				written, err := Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				again, err := Marshal(m)
				if err != nil || !bytes.Equal(written, again) {
					t.Fatalf("written differently: %s, %s, %v", written, again, err)
				}
				compact := &bytes.Buffer{}
				if err := json.Compact(compact, written); err != nil || compact.String() != string(written) {
					t.Fatalf("not compact JSON: %s (%v)", written, err)
				}
				read := kind.New().Interface()
				if err := Unmarshal(written, read); err != nil || !proto.Equal(read, m) {
					t.Fatalf("%s read as %v, was %v (%v)", written, read, m, err)
				}
			})
		})
	}
}

func TestProtobufsOwnJSONIsRead(t *testing.T) {
	for _, kind := range vocabulary(t) {
		t.Run(string(kind.Descriptor().Name()), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				m := anything(t, kind).Interface()
				options := protojson.MarshalOptions{
					UseProtoNames: rapid.Bool().Draw(t, "proto names"), UseEnumNumbers: rapid.Bool().Draw(t, "numbers of enums"),
					EmitDefaultValues: rapid.Bool().Draw(t, "zero values"), Multiline: rapid.Bool().Draw(t, "lines"),
				}
				written, err := options.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				read := kind.New().Interface()
				if err := Unmarshal(written, read); err != nil || !proto.Equal(read, m) {
					t.Fatalf("%s read as %v, was %v (%v)", written, read, m, err)
				}
			})
		})
	}
}

// Whatever Protobuf's own reader takes is read, and as the same; nothing else breaks the reader.
func FuzzUnmarshal(f *testing.F) {
	kinds := vocabulary(f)
	for i := range kinds {
		f.Add(uint8(i), []byte(`{"room":"room:a","offset":"7","limit":1e1,"kind":"group","role":"ROLE_OWNER","data":{"a":[null,1.5]},"users":["ann"]}`))
		f.Add(uint8(i), []byte(`{"replyTo":"x","attachments":[{"size":5.0}],"text":"\ud83d\ude00","remove":true,"unknown":{},"status":2}`))
		f.Add(uint8(i), []byte(`{"offset":-0,"time":0e99,"size":12e-1,"retention_seconds":"9223372036854775807"} `))
	}
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		kind := kinds[int(n)%len(kinds)]
		read := kind.New().Interface()
		err := Unmarshal(data, read)
		theirs := kind.New().Interface()
		if protojson.Unmarshal(data, theirs) == nil {
			if err != nil || !proto.Equal(read, theirs) {
				t.Fatalf("%q is %v to Protobuf, and here %v (%v)", data, theirs, read, err)
			}
		}
		if err != nil {
			return
		}
		written, err := Marshal(read)
		if err != nil {
			t.Fatalf("%q was read and can't be written: %v", data, err)
		}
		again := kind.New().Interface()
		if err := Unmarshal(written, again); err != nil || !proto.Equal(again, read) {
			t.Fatalf("%q was read as %v, written as %s and read as %v (%v)", data, read, written, again, err)
		}
	})
}
