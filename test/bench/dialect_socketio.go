package bench

import (
	"bytes"
	"fmt"
)

// socketIO is version 5 of the Socket.IO protocol over version 4 of Engine.IO: 0 opens, 2 pings, 40 connects to the namespace,
// 42<id>[…] is an event that wants an acknowledgement, 42[…] one that doesn't, 43<id>[…] an acknowledgement.
type socketIO struct{}

func (socketIO) path() string { return "/socket.io/?EIO=4&transport=websocket" }

func (socketIO) greet(string) []byte { return []byte("40") }

func (socketIO) greeted(frame []byte) (bool, error) {
	if bytes.HasPrefix(frame, []byte("44")) {
		return false, fmt.Errorf("the answer to connect is %q", frame)
	}
	return bytes.HasPrefix(frame, []byte("40")), nil
}

func (socketIO) join(id int, room string) []byte {
	return fmt.Appendf(nil, `42%d["join","%s"]`, id, room)
}

func (socketIO) send(id int, room, text string) []byte {
	return fmt.Appendf(nil, `42%d["send","%s","%s"]`, id, room, text)
}

func (socketIO) pong(frame []byte) []byte {
	if string(frame) == "2" {
		return []byte("3")
	}
	return nil
}

func (socketIO) answers(frame []byte, each func(id int)) error {
	if rest, found := bytes.CutPrefix(frame, []byte("43")); found {
		id, _ := leadingID(rest)
		each(id)
	}
	return nil
}
