package push

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzRequest(f *testing.F) {
	for _, seed := range [][3]string{
		{"/b/chattp_request/register", "user_name=%C3%BC%C3%A4x&password=a%26b%3D", ""},
		{"/chattp_request/send", "user_name=a&channel_id=b&dest_user=c", "hello"},
		{"/chattp_request", "", ""},
		{"/chattp_request/%ff%", "a=%zz&&=&b&%3d=+", "message=a+b&user_name=z"},
		{"/chattp_request//chattp_request/login", "user_name", "\xff"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, path, query, body string) {
		command, ok := commandOf(path)
		if ok != strings.Contains(path, requestPart) || !utf8.ValidString(command) {
			t.Fatalf("%q in %q", command, path)
		}
		for _, shape := range []Shape{Cpp, Haskell} {
			q := shape.read(query, body, "application/x-www-form-urlencoded")
			if len(q.params) > 2*maxParams {
				t.Fatalf("%d parameters", len(q.params))
			}
			for name, value := range q.params {
				if name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) || len(value) > 3*max(len(query), len(body)) {
					t.Fatalf("%q is %q", name, value)
				}
			}
			text := strings.ToValidUTF8(shape.message(q), "\uFFFD")
			var m received
			if err := json.Unmarshal(shape.pushed(letter{body: text}, false), &m); err != nil || m.Message != text {
				t.Fatalf("%q became %q: %v", text, m.Message, err)
			}
			var a map[string]any
			if err := json.Unmarshal(encode("settings", answer{extra: "settings", value: text}), &a); err != nil || a["settings"] != text {
				t.Fatalf("%q became %v: %v", text, a, err)
			}
		}
	})
}

func FuzzPosition(f *testing.F) {
	f.Add("")
	f.Add(position{}.String())
	f.Add(position{time: 1790000000}.with(3, mark{5, 7}, 0).with(15, mark{1 << 60, 1 << 31}, 0).String())
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		var p position
		if p.UnmarshalText([]byte(text)) == nil && p.String() != text {
			t.Fatalf("%q became %q", text, p)
		}
	})
}

func TestAnEncodedRequestSaysWhatWasEncoded(t *testing.T) {
	q := Cpp.read(query("a", "b c&d=e+f%", "a", "second"), "", "")
	if q.params["a"] != "b c&d=e+f%" || len(q.params) != 1 {
		t.Fatal(q.params)
	}
	if q := Cpp.read("a=1+2", "", ""); q.params["a"] != "1+2" {
		t.Fatal(q.params)
	}
	if q := Haskell.read("a=1+2", "", ""); q.params["a"] != "1 2" {
		t.Fatal(q.params)
	}
}
