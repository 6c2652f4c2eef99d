package pull

import (
	"encoding/json"
	"strconv"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// message is one message as pullers see it.
type message struct {
	offset, rank uint64
	// micros is the send_time of the message: that of the log in microseconds since 1970, and one more for each message of the chat before it in
	// the same millisecond. So no two messages of a chat have the same, and it grows along the chat.
	micros int64
	// text and sender are strings in JSON; nil if they are empty.
	text, sender []byte
	// gone says that the message was deleted: it has its place, and isn't shown.
	gone bool
}

// messageBytes is about what a message takes in memory besides its words.
const messageBytes = 128

func (m *message) size() int { return messageBytes + len(m.text) + len(m.sender) }

// fromEntry gives a message of a page of the log.
func fromEntry(e *backbone.Entry) message {
	m := message{offset: e.Offset, rank: e.Rank, micros: e.Time*1000 + int64(e.Tie), gone: e.Deleted != nil || e.Message == nil}
	if !m.gone {
		m.read(e.Message.Data)
	}
	return m
}

// read takes the words from a stored event. One that says nothing to these clients shows no text.
func (m *message) read(event []byte) {
	var e struct {
		Sender, Text string
		Data         json.RawMessage
	}
	if json.Unmarshal(event, &e) != nil {
		return
	}
	var data struct{ Pull *struct{ Sender string } }
	if len(e.Data) > 0 && json.Unmarshal(e.Data, &data) == nil && data.Pull != nil && data.Pull.Sender != "" {
		e.Sender = data.Pull.Sender
	}
	m.text, m.sender = quoted(e.Text), quoted(e.Sender)
}

// quoted is a string in JSON, nil if it is empty.
func quoted(s string) []byte {
	if s == "" {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return nil // which strings never give
	}
	return raw
}

// page is the part of a chat that is answered.
type page struct {
	// messages are in the order of the span: backward, the newest is the first.
	messages []message
	// next is the message behind the page; nil if there is none.
	next *message
	// nextRank, of a page by ranks, is the cursor of it.
	nextRank int64
}

// appendPage writes the beginning of an answer. The chat is named as the puller has named it, which is a string in JSON.
func (m *manner) appendPage(dst []byte, chat []byte, messages []message, reverse bool) []byte {
	dst = append(dst, '{')
	if len(messages) > 0 {
		dst = append(dst, `"messages":[`...)
		for i := range messages {
			if i > 0 {
				dst = append(dst, ',')
			}
			at := i
			if reverse {
				at = len(messages) - 1 - i
			}
			dst = m.appendMessage(dst, chat, &messages[at])
		}
		dst = append(dst, ']')
	}
	return dst
}

func (m *manner) appendMessage(dst, chat []byte, of *message) []byte {
	dst = append(dst, '{')
	for _, field := range []struct {
		name  string
		value []byte
	}{{`"chat":`, chat}, {`"text":`, of.text}, {`"sender":`, of.sender}} {
		if len(field.value) > 0 {
			dst = append(append(append(dst, field.name...), field.value...), ',')
		}
	}
	at := of.micros
	if m.seconds {
		at /= 1_000_000
	}
	return append(strconv.AppendInt(append(dst, `"send_time":`...), at, 10), '}')
}

// endPage writes the end of an answer: whether there is more, and the cursor of it unless that is 0.
func endPage(dst []byte, more bool, next int64) []byte {
	if more {
		dst = append(comma(dst), `"has_more":true`...)
	}
	if next != 0 {
		dst = strconv.AppendInt(append(comma(dst), `"next_cursor":`...), next, 10)
	}
	return append(dst, '}')
}

func comma(dst []byte) []byte {
	if dst[len(dst)-1] == '{' {
		return dst
	}
	return append(dst, ',')
}
