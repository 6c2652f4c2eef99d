package comet

import (
	"bytes"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// serverName is what browsers are told of the server, and sqlVersion what backends are: the original's words, behind a number that
// drivers can parse.
const (
	serverName = "CppComet community 4.09 (chatfleet)"
	sqlVersion = "5.7.0-" + serverName
)

// Pipes that only the server writes into.
const (
	pipeSystem  = "sys"
	pipePrivate = "msg"
	pipeAnswer  = "_answer"
)

// message is what browsers get: one a frame.
type message struct {
	Authorized any    `json:"authorized,omitempty"`
	Info       string `json:"_info,omitempty"`
	APIData    string `json:"api_data,omitempty"`
	Data       any    `json:"data"`
	Event      string `json:"event"`
	EventName  string `json:"event_name,omitempty"`
	FromQueue  bool   `json:"fromQueue,omitempty"`
	History    bool   `json:"history,omitempty"`
	Marker     string `json:"marker,omitempty"`
	// Time is in seconds since 1970.
	Time   int64  `json:"message_send_time,omitempty"`
	Pipe   string `json:"pipe"`
	Server string `json:"server,omitempty"`
	UserID *int64 `json:"user_id,omitempty"`
	// UUID is last, so that frames can be told apart by their ends; see without.
	UUID string `json:"uuid,omitempty"`
}

// dialect is how messages are written: as clients before version 4 want them, or as those since then do.
type dialect struct{ legacy bool }

// frame gives a message as a frame.
func (d dialect) frame(m message) []byte {
	if d.legacy {
		m.EventName, m.APIData = m.Event, "for major_version < 4"
		if on, ok := m.Authorized.(bool); ok {
			m.Authorized = "false"
			if on {
				m.Authorized = "true"
			}
		}
		if _, text := m.Data.(string); !text && m.Pipe != pipePrivate {
			m.Data = string(marshal(m.Data))
		}
	}
	return conn.WSText.Append(nil, marshal(m))
}

// marshal writes JSON as it is, without the escapes that HTML would want.
func marshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // everything that comes here can be written
	return bytes.TrimRight(b.Bytes(), "\n")
}

// without gives those frames that do not end with one of the ids, and the ids that were found.
func without(wire []byte, ids []string) (rest []byte, found []string) {
	for left := wire; len(left) > 0; {
		frame := left[:frameLength(left)]
		left = left[len(frame):]
		if at := endsWith(frame, ids); at >= 0 {
			found = append(found, ids[at])
		} else {
			rest = append(rest, frame...)
		}
	}
	return rest, found
}

func endsWith(frame []byte, ids []string) int {
	for i, id := range ids {
		if bytes.HasSuffix(frame, []byte(`"uuid":"`+id+`"}`)) {
			return i
		}
	}
	return -1
}

// frameLength is how long the first frame is, as conn writes frames to clients.
func frameLength(wire []byte) int {
	const short, long, longest = 2, 4, 10
	switch n := int(wire[1]); n {
	case 126:
		return long + (int(wire[2])<<8 | int(wire[3]))
	case 127:
		length := 0
		for _, b := range wire[short:longest] {
			length = length<<8 | int(b)
		}
		return longest + length
	default:
		return short + n
	}
}
