package comet

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// FuzzCommand reads what browsers say about pipes.
func FuzzCommand(f *testing.F) {
	for _, seed := range []string{
		"pipe_log\np10\nmark\n", "pipe_count\nweb_chat", "track_pipe_users\ntrack_room\nmark", "user_data\nm\n7", "\n\n\n", "pipe_log\nbad name\nm", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, command string) {
		pipe, marker, err := pipeAndMarker(command, "web_", "track_")
		if err == nil && (!nameable(pipe) || !nameable(marker) || len(pipe) > maxName) {
			t.Errorf("%q is about pipe %q with marker %q", command, pipe, marker)
		}
		if id, err := idOf(field(command, 1)); err == nil && id <= 0 {
			t.Errorf("%q is about user %d", command, id)
		}
	})
}

// FuzzFrame writes any payload, and finds it again among others.
func FuzzFrame(f *testing.F) {
	f.Add("hello", "ev", true)
	f.Add(`{"uuid":"one"}`, "\u2028<&>", false)
	f.Add(string(make([]byte, 70_000)), "\xff", false)
	f.Fuzz(func(t *testing.T, payload, event string, legacy bool) {
		d := dialect{legacy}
		one := d.frame(message{Data: payload, Event: event, Pipe: "p", UUID: "one"})
		two := d.frame(message{Data: payload, Event: event, Pipe: "p", UUID: "two"})
		rest, found := without(append(append([]byte(nil), one...), two...), []string{"one", "three"})
		if string(rest) != string(two) || len(found) != 1 {
			t.Fatalf("of two frames %d bytes are left, and %v was found", len(rest), found)
		}
		var h heard
		text := two[len(two)-len(marshal(message{Data: payload, Event: event, Pipe: "p", UUID: "two"})):]
		if !legacy && (json.Unmarshal(text, &h) != nil || utf8.ValidString(payload) && h.text() != payload) {
			t.Errorf("%q came back as %q", payload, h.text())
		}
		if len(two) != len(conn.WSText.Append(nil, two[len(two)-frameBody(two):])) {
			t.Error("the length of a frame is not that of its content")
		}
	})
}

// frameBody is how long the content of a frame is.
func frameBody(frame []byte) int {
	switch frame[1] {
	case 126:
		return len(frame) - 4
	case 127:
		return len(frame) - 10
	default:
		return len(frame) - 2
	}
}
