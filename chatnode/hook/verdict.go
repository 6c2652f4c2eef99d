package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// maxReason bounds a reason that senders are shown, in bytes.
const maxReason = 512

// Verdict is what moderation says of an event.
type Verdict struct {
	Accept bool
	// Reason is for the sender, if the event is not accepted: at most 512 bytes of text on one line, or empty.
	Reason string
	// Text is to be stored instead of the event's, if it is not nil. It is not empty.
	Text *string
}

// parseVerdict reads {"accept":true}, {"accept":true,"text":"..."} or {"accept":false,"reason":"..."}. Other fields are ignored;
// whatever else is no verdict.
func parseVerdict(raw []byte) (Verdict, error) {
	var a struct {
		Accept *bool   `json:"accept"`
		Reason string  `json:"reason"`
		Text   *string `json:"text"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return Verdict{}, fmt.Errorf("read the verdict: %w", err)
	}
	switch {
	case a.Accept == nil:
		return Verdict{}, errors.New("the answer does not say whether to accept")
	case !*a.Accept:
		return Verdict{Reason: line(a.Reason)}, nil
	case a.Text != nil && *a.Text == "":
		return Verdict{}, errors.New("the text to store instead is empty")
	}
	return Verdict{Accept: true, Text: a.Text}, nil
}

// line makes one line of a text, and cuts it.
func line(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return s
}

// kind names the verdict in metrics.
func (v Verdict) kind() string {
	switch {
	case !v.Accept:
		return "refused"
	case v.Text != nil:
		return "replaced"
	}
	return "accepted"
}
