package pull

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// request is what a client says, of sending and of pulling. Names of fields are read in any letter case, and unknown ones are ignored.
type request struct {
	Chat     string `json:"chat"`
	Text     string `json:"text"`
	Sender   string `json:"sender"`
	Receiver string `json:"receiver"`
	Cursor   int64  `json:"cursor"`
	Limit    int32  `json:"limit"`
	Reverse  bool   `json:"reverse"`
}

// errNotText is for names and texts that are no UTF-8, which only a query can bring.
var errNotText = errors.New("what is sent must be UTF-8")

// parse reads a request from its query and its body, which goes before. A body is a form if its type says so and it doesn't begin with a brace,
// since curl says that of every body; else it is JSON of any type.
func parse(query, contentType string, body []byte) (*request, error) {
	r := &request{}
	if err := r.readQuery(query); err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(contentType)
	trimmed := bytes.TrimSpace(body)
	switch {
	case kind == "application/x-www-form-urlencoded" && !bytes.HasPrefix(trimmed, []byte("{")):
		if err := r.readQuery(string(body)); err != nil {
			return nil, err
		}
	case len(trimmed) > 0:
		if err := json.Unmarshal(body, r); err != nil {
			return nil, inWords(err, body)
		}
	}
	for _, s := range []string{r.Chat, r.Text, r.Sender, r.Receiver} {
		if !utf8.ValidString(s) {
			return nil, errNotText
		}
	}
	if r.Chat == "" && r.Sender != "" && r.Receiver != "" {
		r.Chat = r.Sender + ":" + r.Receiver
	}
	return r, nil
}

// readQuery reads the parameters of a query.
func (r *request) readQuery(query string) error {
	if query == "" {
		return nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	for name, all := range values {
		value := all[0]
		var err error
		switch strings.ToLower(name) {
		case "chat":
			r.Chat = value
		case "text":
			r.Text = value
		case "sender":
			r.Sender = value
		case "receiver":
			r.Receiver = value
		case "cursor":
			r.Cursor, err = strconv.ParseInt(value, 10, 64)
		case "limit":
			var limit int64
			limit, err = strconv.ParseInt(value, 10, 32)
			r.Limit = int32(limit)
		case "reverse":
			r.Reverse, err = strconv.ParseBool(value)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, errors.Unwrap(err))
		}
	}
	return nil
}

// inWords says what is wrong with a body as the older servers do, whose clients may show it.
func inWords(err error, body []byte) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at, what := int(syntax.Offset)-1, "invalid char"
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			at, what = len(body), "eof"
		}
		return fmt.Errorf("%q", fmt.Sprintf("Syntax error at index %d: %s%s", at, what, pointAt(body, at)))
	case errors.As(err, &mismatch):
		if number, ok := strings.CutPrefix(mismatch.Value, "number "); ok {
			return fmt.Errorf("json: cannot unmarshal %s into Go value of type %v", number, mismatch.Type)
		}
		return fmt.Errorf("Mismatch type %v with value %s \"at index %d\"", mismatch.Type, mismatch.Value, mismatch.Offset) //nolint:staticcheck // words of an older server
	}
	return err
}

// shown is how much of a broken body stands on each side of its fault.
const shown = 16

// pointAt shows the part of a body around an index.
func pointAt(body []byte, at int) string {
	from, to := max(at-shown, 0), min(at+shown, len(body))
	return fmt.Sprintf("\n\n\t%s\n\t%s^%s\n", body[from:to], strings.Repeat(".", at-from), strings.Repeat(".", max(to-at-1, 0)))
}
