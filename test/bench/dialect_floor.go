package bench

import (
	"bytes"
	"fmt"
)

// bare is what floor speaks; see ./floor.
type bare struct{}

func (bare) path() string { return "/" }

func (bare) greet(string) []byte { return nil }

func (bare) greeted([]byte) (bool, error) { return true, nil }

func (bare) join(id int, room string) []byte { return fmt.Appendf(nil, "j%d %s ", id, room) }

func (bare) send(id int, room, text string) []byte {
	return fmt.Appendf(nil, "m%d %s %s", id, room, text)
}

func (bare) pong([]byte) []byte { return nil }

func (bare) answers(frame []byte, each func(id int)) error {
	for len(frame) > 0 && frame[0] == 'a' {
		var id int
		id, frame = leadingID(bytes.TrimPrefix(frame, []byte("a")))
		each(id)
	}
	return nil
}
