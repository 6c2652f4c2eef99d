package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// dialect is how one server is spoken to over a WebSocket, in text frames.
type dialect interface {
	// path is what a dial asks for.
	path() string
	// greet is the client's first frame; nil: none is needed, and none answered.
	greet(token string) []byte
	// greeted tells whether the frame is the answer to greet.
	greeted(frame []byte) (bool, error)
	// join enters a room, send tells it a text; the answer has the id, at least 2.
	join(id int, room string) []byte
	send(id int, room, text string) []byte
	// pong is the answer to the server's ping; nil: the frame is none.
	pong(frame []byte) []byte
	// answers calls each with the ids that the frame acknowledges. The error is a refusal.
	answers(frame []byte, each func(id int)) error
}

// A mark stands at the beginning of each text: where it is from, and for counting. Nothing else in any dialect has the character.
const (
	markCharacter = '~'
	markDigits    = 8
	markBytes     = 1 + markDigits
)

// markedText is the text of message number seq, padded to size.
func markedText(seq, size int) string {
	return fmt.Sprintf("%c%0*d%s", markCharacter, markDigits, seq, strings.Repeat("x", max(0, size-markBytes)))
}

// marks calls each with the number of every text in the frame, in order.
func marks(frame []byte, each func(seq int)) error {
	for {
		at := bytes.IndexByte(frame, markCharacter)
		if at < 0 {
			return nil
		}
		if len(frame) < at+markBytes {
			return fmt.Errorf("a text ends within its mark: %q", frame)
		}
		seq := 0
		for _, digit := range frame[at+1 : at+markBytes] {
			seq = seq*10 + int(digit-'0')
		}
		each(seq)
		frame = frame[at+markBytes:]
	}
}

// leadingID reads the number that frame begins with.
func leadingID(frame []byte) (id int, rest []byte) {
	end := 0
	for end < len(frame) && frame[end] >= '0' && frame[end] <= '9' {
		end++
	}
	id, _ = strconv.Atoi(string(frame[:end]))
	return id, frame[end:]
}
