package push

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// verdict is how a command ended: a number, and words for people.
type verdict struct {
	code int
	text string
}

// Verdicts of the original broker. The zero verdict is success.
var (
	done            verdict
	noLogout        = verdict{2, "unauthorized to perform logout."}
	notWho          = verdict{2, "You are not who you pretend to be"}
	notSaved        = verdict{2, "Probably unauthorized (or offline)"}
	notBeating      = verdict{2, "You are probably not authorized."}
	notChanged      = verdict{2, "User not-authorized or non-existing."}
	persistenceDown = verdict{4, "Persistence is down"}
	wrongPassword   = verdict{13, "Wrong password!"}
	notAccepted     = verdict{14, "Persistence did not accept message"}
	noUser          = verdict{15, "User doesn't exist (or Persistence failed otherwise)"}
	userExists      = verdict{15, "Probably, this user already exists"}
	loginDenied     = verdict{17, "Persistence denied login"}
	settingsRefused = verdict{17, "Persistence refused to save settings."}
	toOneself       = verdict{19, "You may not send messages to yourself"}
	notSender       = verdict{20, "Not authorized or offline"}
	timedOut        = verdict{21, "Timeout in broker"}
)

// Bodies of answers that are no JSON.
const (
	malformedURL   = `Malformed URL: Expected path part "chattp_request"`
	unknownRequest = "Unknown request type."
	emptyMessage   = "Empty message; not sent."
	unreachable    = "Couldn't reach broker"
	noBody         = "The body did not come."
	tooLarge       = "The body is too large."
)

// answer is what a command is answered with, besides its type.
type answer struct {
	verdict
	// extra is the name of the one field that the command has of its own, if it has one, and value what stands there.
	extra string
	value any
}

// encode writes an answer with its keys in the order of the original.
func encode(kind string, a answer) []byte {
	b := []byte(`{"status":` + strconv.FormatBool(a.verdict == done) + `,"error":`)
	b = append(append(b, quoted(a.text)...), `,"error-code":`...)
	b = strconv.AppendInt(b, int64(a.code), 10)
	if a.extra != "" {
		b = append(append(append(b, `,"`...), a.extra...), `":`...)
		b = append(b, quoted(a.value)...)
	}
	return append(append(append(b, `,"type":"`...), kind...), "\"}\n"...)
}

// quoted is a value as JSON, with nothing escaped that needs it not.
func quoted(v any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // strings, and structs of strings
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// letter is a message that somebody has written to a user.
type letter struct {
	from, to, body string
	// time is in milliseconds since 1970.
	time int64
	// offset is the message's place in its part of the log, and then the position behind it in a batch.
	offset uint64
	then   position
}

// stamp is a time as the gateway of that shape writes it.
func (s Shape) stamp(millis int64) string {
	at := time.UnixMilli(millis).UTC()
	if s == Haskell {
		return at.Format(http.TimeFormat)
	}
	return at.Format(time.RFC1123Z)
}

// saved are letters as savedmessages lists them.
func (s Shape) saved(letters []letter) any {
	type cpp struct {
		Sender    string `json:"sender"`
		Receiver  string `json:"receiver"`
		Body      string `json:"body"`
		Timestamp string `json:"timestamp"`
	}
	type haskell struct {
		From      string `json:"from"`
		To        string `json:"to"`
		Timestamp string `json:"timestamp"`
		Body      string `json:"body"`
	}
	list := make([]any, len(letters))
	for i, l := range letters {
		if list[i] = any(cpp{l.from, l.to, l.body, s.stamp(l.time)}); s == Haskell {
			list[i] = haskell{l.from, l.to, s.stamp(l.time), l.body}
		}
	}
	return list
}

// pushed is a letter as it is received. What is to be ignored tells only that the channel is there.
func (s Shape) pushed(l letter, ignore bool) []byte {
	return quoted(struct {
		Ignore    bool   `json:"ignore"`
		Message   string `json:"message"`
		From      string `json:"from"`
		To        string `json:"to"`
		Timestamp string `json:"timestamp"`
		IsTyping  bool   `json:"is_typing"`
		HasSeen   bool   `json:"has_seen"`
	}{ignore, l.body, l.from, l.to, s.stamp(l.time), false, false})
}

// missing says that a command lacks parameters. The logout of the younger gateway says so in the words of its login.
func (s Shape) missing(command string) string {
	if s == Haskell {
		return strings.ToUpper(command[:1]) + command[1:] + " request lacking request parameter(s)"
	}
	if command == "logout" {
		command = "login"
	}
	return "Missing parameter in " + command + " request"
}
