package push

import (
	"net/http"
	"net/netip"
	"strings"
)

// Shape is which of the two original web gateways this one looks like.
type Shape uint8

const (
	// Cpp is the younger one, webapp-cpp.
	Cpp Shape = iota
	// Haskell is the older one, webapp.
	Haskell
)

// Names of parameters.
const (
	userParam, passwordParam, newPasswordParam = "user_name", "password", "new_password"
	channelParam, destParam                    = "channel_id", "dest_user"
	messageParam, settingsParam                = "message", "settings"
)

// requestPart is what stands before the command in the path of a request.
const requestPart = "/chattp_request/"

// maxParams is how many parameters of a request are looked at.
const maxParams = 32

// request is what a client asks, as its URL and body have it, and from where.
type request struct {
	params map[string]string
	body   string
	from   netip.Addr
}

// commandOf gives the command in a path as it was sent, percent-encoded; false if it is not there. What stands in front is whatever the
// service is mounted at.
func commandOf(path string) (command string, ok bool) {
	_, command, ok = strings.Cut(path, requestPart)
	return decode(command, false), ok
}

// read takes the parameters out of the query, and in the shape that does so out of a body that is a form.
func (s Shape) read(query, body, contentType string) request {
	q := request{params: map[string]string{}, body: body}
	s.split(query, q.params)
	if media, _, _ := strings.Cut(contentType, ";"); s == Haskell && strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		form := map[string]string{}
		s.split(body, form)
		for name, value := range form {
			if _, ok := q.params[name]; !ok && strings.Contains(body, "=") {
				q.params[name], q.body = value, ""
			}
		}
	}
	return q
}

// split reads name=value&name=value. Of a name that stands there twice, the first counts. Parts are told apart before they are decoded, so
// that an encoded separator is a part of a value.
func (s Shape) split(text string, into map[string]string) {
	for range maxParams {
		if text == "" {
			return
		}
		var part string
		part, text, _ = strings.Cut(text, "&")
		name, value, _ := strings.Cut(part, "=")
		if name = decode(name, s == Haskell); name == "" {
			continue
		}
		if _, twice := into[name]; !twice {
			into[name] = decode(value, s == Haskell)
		}
	}
}

// message is what is to be sent, and settings what is to be kept: in the body or in a parameter.
func (s Shape) message(q request) string { return s.either(q, messageParam) }

func (s Shape) settings(q request) string { return s.either(q, settingsParam) }

func (s Shape) either(q request, param string) string {
	value, ok := q.params[param]
	if ok && (s == Cpp || q.body == "") {
		return value
	}
	return q.body
}

// decode undoes percent-encoding, and plus makes spaces of plus signs. What is no encoding stays as it is; bytes that are no UTF-8 become
// the replacement character, since names and messages are text.
func decode(s string, plus bool) string {
	if strings.IndexByte(s, '%') >= 0 || plus && strings.IndexByte(s, '+') >= 0 {
		out := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '+' && plus:
				out = append(out, ' ')
			case c == '%' && i+2 < len(s) && digit(s[i+1]) >= 0 && digit(s[i+2]) >= 0:
				out = append(out, byte(digit(s[i+1])<<4|digit(s[i+2])))
				i += 2
			default:
				out = append(out, c)
			}
		}
		s = string(out)
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// subscriberPaths are the last parts of paths at which messages are received: that of the programs, and two of the documents.
var subscriberPaths = map[string]bool{"sub": true, "get": true, "chattp_receive": true}

// isSubscriber says whether a path is one at which messages are received.
func isSubscriber(path string) bool {
	return subscriberPaths[path[strings.LastIndexByte(path, '/')+1:]]
}

// channelOf is the channel that somebody wants to receive from; empty if none is named.
func channelOf(r *http.Request) string {
	params := map[string]string{}
	Cpp.split(r.URL.RawQuery, params)
	if id := params[channelParam]; id != "" {
		return id
	}
	return params["chan_id"]
}
