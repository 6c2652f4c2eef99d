package heimdallr

import (
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestRoomsAreNumbersOf31Bits(t *testing.T) {
	for path, want := range map[string]string{
		"/7": "7", "/7/": "7", "/7/anything": "7", "/007": "7", "/0": "0", "/2147483647": "2147483647", "/7//": "7",
		"": "", "7": "", "/": "", "//7": "", "/x": "", "/7x": "", "/+7": "", "/-7": "", "/2147483648": "", "/1_000": "", "/0x7": "", "/７": "",
	} {
		if got, ok := roomOf(path); got != want || ok != (want != "") {
			t.Errorf("%s is room %q, %v; want %q", path, got, ok, want)
		}
	}
}

func FuzzRoomOf(f *testing.F) {
	for _, path := range []string{"/7", "/7/x", "/007", "/2147483648", "/-1", "/", "", "/9999999999999999999999"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		room, ok := roomOf(path)
		if !ok {
			return
		}
		number, err := strconv.ParseUint(room, 10, 31)
		if err != nil || strconv.FormatUint(number, 10) != room {
			t.Fatalf("%q is room %q", path, room)
		}
		if again, ok := roomOf("/" + room + "/" + path); !ok || again != room {
			t.Fatalf("room %q is room %q", room, again)
		}
	})
}

// What is stored may come from any version of any program.
func FuzzTextOf(f *testing.F) {
	for _, event := range []string{
		`{"type":"message","text":"a"}`, `{"type":"message","data":{"heimdallr":{}}}`, `{"type":"message","text":7}`, `{"type":"message","data":[]}`,
		`{"type":"edit","text":"a"}`, `{"type":7}`, `{`, `null`, `{"type":"message","text":"\u0000\ud800"}`,
	} {
		f.Add([]byte(event))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		text, ok := textOf(event)
		if text != "" && !ok {
			t.Fatal("a text of nothing")
		}
		shown := visible(text)
		if !utf8.ValidString(shown) || strings.ContainsFunc(shown, func(r rune) bool { return r < 0x80 && unicode.IsControl(r) }) {
			t.Fatalf("clients would see %q", shown)
		}
	})
}
