package bench

import (
	"bytes"
	"fmt"

	"github.com/google/uuid"
)

// native is chatnode's own protocol in JSON; messages are sent as its guide advises, with an id of the client's.
type native struct{}

func (native) path() string { return "/connection/websocket" }

func (native) greet(token string) []byte {
	return fmt.Appendf(nil, `{"id":1,"connect":{"token":%q}}`, token)
}

func (native) greeted(frame []byte) (bool, error) {
	if !bytes.HasPrefix(frame, []byte(`{"id":1,"connect":`)) {
		return false, fmt.Errorf("the answer to connect is %q", frame)
	}
	return true, nil
}

func (native) join(id int, room string) []byte {
	return fmt.Appendf(nil, `{"id":%d,"subscribe":{"channel":"room:%s","positioned":true,"recoverable":true}}`, id, room)
}

func (native) send(id int, room, text string) []byte {
	return fmt.Appendf(nil, `{"id":%d,"rpc":{"method":"chat.send","data":{"id":"%s","room":"room:%s","text":"%s"}}}`,
		id, uuid.Must(uuid.NewV7()), room, text)
}

func (native) pong(frame []byte) []byte {
	if string(frame) == "{}" {
		return frame
	}
	return nil
}

func (native) answers(frame []byte, each func(id int)) error {
	prefix := []byte(`{"id":`)
	if !bytes.HasPrefix(frame, prefix) {
		return nil
	}
	for reply := range bytes.SplitSeq(frame, []byte("\n")) {
		rest, found := bytes.CutPrefix(reply, prefix)
		if !found {
			continue
		}
		id, rest := leadingID(rest)
		if bytes.HasPrefix(rest, []byte(`,"error":`)) {
			return fmt.Errorf("refused: %s", reply)
		}
		each(id)
	}
	return nil
}
