package heimdallr

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// dataKey is the key under which a message's data says that the message came from here.
const dataKey = "heimdallr"

// fromHere is the data of a message whose text is empty, which no other message has.
var fromHere = json.RawMessage(`{"` + dataKey + `":{}}`)

// contentOf is what a client says.
func contentOf(text string) chat.Content {
	if text == "" {
		return chat.Content{Data: fromHere}
	}
	return chat.Content{Text: &text}
}

// encoder is a fanout.Encoder, the same for all sessions of a gateway.
type encoder struct{ metrics *metrics }

// Messages implements fanout.Encoder: one text frame a message.
func (e encoder) Messages(_ backbone.Feed, batch []*backbone.Message) []byte {
	var wire []byte
	for _, m := range batch {
		text, ok := textOf(m.Data)
		if !ok {
			e.metrics.skipped.Inc()
			continue
		}
		wire = conn.WSText.Append(wire, []byte(visible(text)))
	}
	return wire
}

// textOf is what clients see of an event. False: they see nothing of it, as of edits, reactions, members who come and go, and messages that
// have no text.
func textOf(event []byte) (text string, ok bool) {
	var e struct {
		Type string                     `json:"type"`
		Text *string                    `json:"text"`
		Data map[string]json.RawMessage `json:"data"`
	}
	var wrongType *json.UnmarshalTypeError // data that is no object
	if err := json.Unmarshal(event, &e); err != nil && !errors.As(err, &wrongType) || e.Type != "message" {
		return "", false
	}
	if e.Text != nil {
		return *e.Text, true
	}
	_, ok = e.Data[dataKey]
	return "", ok
}

// visible is a text without control characters, as heimdallr delivers it.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text)
}

// Signal implements fanout.Encoder: there are none.
func (encoder) Signal(backbone.Feed, []byte) []byte { return nil }

// Join implements fanout.Encoder: nobody is told who comes.
func (encoder) Join(backbone.Feed, []byte) []byte { return nil }

// Leave implements fanout.Encoder: nobody is told who goes.
func (encoder) Leave(backbone.Feed, []byte) []byte { return nil }
