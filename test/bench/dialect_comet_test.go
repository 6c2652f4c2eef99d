package bench

import (
	"bytes"
	"fmt"
)

// comet is what browsers of CppComet speak. Their commands have no numbers and most have no answers, so the room is entered by the greeting,
// and a question with an answer follows it.
type comet struct{}

func (comet) path() string { return "/comet-server/ws/sesion=&myid=0&devid=0&v=4.08&api=js" }

func (comet) greet(string) []byte { return []byte("subscription\n" + theRoom) }

func (comet) greeted(frame []byte) (bool, error) {
	return bytes.Contains(frame, []byte(`"event":"serverInfo"`)), nil
}

func (comet) join(id int, _ string) []byte { return fmt.Appendf(nil, "user_data\nm%d\n1", id) }

func (comet) send(_ int, room, text string) []byte {
	return fmt.Appendf(nil, "web_pipe2\n%s\nev\n*\n%s", room, text)
}

func (comet) pong([]byte) []byte { return nil }

func (comet) answers(frame []byte, each func(id int)) error {
	if bytes.Contains(frame, []byte(`"event":"error"`)) {
		return fmt.Errorf("refused: %s", frame)
	}
	if _, marker, found := bytes.Cut(frame, []byte(`"marker":"m`)); found {
		id, _ := leadingID(marker)
		each(id)
	}
	return nil
}
