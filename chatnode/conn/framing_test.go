package conn

import (
	"bytes"
	"strings"
	"testing"
)

func TestFramings(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, test := range map[string]struct {
		framing       Framing
		payload, want string
	}{
		"text":            {WSText, "hi", "\x81\x02hi"},
		"binary":          {WSBinary, "hi", "\x82\x02hi"},
		"empty text":      {WSText, "", "\x81\x00"},
		"long text":       {WSText, long, "\x81\x7e\x01\x2c" + long},
		"huge text":       {WSText, strings.Repeat("x", 1<<16), "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("x", 1<<16)},
		"lines":           {Lines, `{"a":1}`, `{"a":1}` + "\n"},
		"prefixed":        {LengthPrefixed, long, "\xac\x02" + long},
		"event":           {SSE, `{"a":1}`, "data: {\"a\":1}\n\n"},
		"event of two":    {SSE, "{}\n{}", "data: {}\ndata: {}\n\n"},
		"event, all ends": {SSE, "a\r\nb\rc\n", "data: a\ndata: b\ndata: c\ndata: \n\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.framing.Append([]byte("before "), []byte(test.payload))
			if string(got) != "before "+test.want {
				t.Fatalf("got %.60q", got)
			}
		})
	}
}

// FuzzEvent checks that no payload can end its event or begin another field.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{"", "x", "a\nb", "a\r\nb", "\r\r", "\n\nevent: forged\n\n", "data: x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		wire := SSE.Append(nil, payload)
		body, ok := bytes.CutSuffix(wire, []byte("\n\n"))
		if !ok || bytes.Contains(body, []byte("\r")) {
			t.Fatalf("wire %q", wire)
		}
		var lines [][]byte
		for _, line := range bytes.Split(body, []byte("\n")) {
			data, ok := bytes.CutPrefix(line, []byte("data: "))
			if !ok {
				t.Fatalf("line %q", line)
			}
			lines = append(lines, data)
		}
		want := bytes.ReplaceAll(bytes.ReplaceAll(payload, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
		if got := bytes.Join(lines, []byte("\n")); !bytes.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
