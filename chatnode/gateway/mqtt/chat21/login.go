package chat21

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// claims are those of chat21's tokens.
type claims struct {
	jwt.Claims
	App   string   `json:"app_id"`
	Scope []string `json:"scope"`
	Roles roles    `json:"tiledesk_api_roles"`
}

// roles are one role as a text, or several in a list.
type roles []string

// UnmarshalJSON reads either form.
func (r *roles) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `[]`)
	for role := range strings.SplitSeq(text, ",") {
		*r = append(*r, strings.Trim(role, "\" \t\r\n"))
	}
	return nil
}

// Identity is who a token is for, and what it allows.
type Identity struct {
	App, User string
	Admin     bool
	Issued    time.Time
	Expires   time.Time // zero: never
	// Read and Write are patterns of dotted topics, in which * stands for any text.
	Read, Write []string
}

// ErrClaims says that a token is for nobody.
var ErrClaims = errors.New("the token names no user or no app_id")

// Identify verifies a token. Errors: those of auth, of chat's Admit, ErrClaims.
func (t *Timelines) Identify(token string) (Identity, error) {
	var c claims
	if err := t.o.Tokens.Foreign(token, &c); err != nil {
		return Identity{}, err
	}
	if chat.CheckUser(c.Subject) != nil || c.App == "" || len(c.App) > chat.MaxName || !plain(c.Subject) || !plain(c.App) {
		return Identity{}, ErrClaims
	}
	id := Identity{
		App: c.App, User: c.Subject, Admin: slices.Contains(c.Roles, "admin"), Issued: c.IssuedAt.Time(), Expires: c.Expiry.Time(),
	}
	for _, scope := range c.Scope {
		permission, pattern, ok := parseScope(scope)
		switch {
		case !ok:
		case permission == "read":
			id.Read = append(id.Read, pattern)
		case permission == "write":
			id.Write = append(id.Write, pattern)
		}
	}
	return id, t.o.Chat.Admit(id.App, id.User, id.Issued)
}

// parseScope reads rabbitmq.PERMISSION:VHOST/RESOURCE/ROUTING-KEY.
func parseScope(scope string) (permission, pattern string, ok bool) {
	permission, rest, ok := strings.Cut(strings.TrimPrefix(scope, "rabbitmq."), ":")
	if !ok {
		return "", "", false
	}
	_, rest, okHost := strings.Cut(rest, "/")
	_, pattern, okKey := strings.Cut(rest, "/")
	return permission, pattern, okHost && okKey
}

// Covered says whether a topic, or a topic filter, lies within one of the patterns.
func Covered(patterns []string, topic string) bool {
	dotted := strings.ReplaceAll(topic, "/", ".")
	return slices.ContainsFunc(patterns, func(pattern string) bool { return fits(pattern, dotted) })
}

// fits says whether text is pattern, in which * stands for any text.
func fits(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if ok = ok && found; !ok {
			return false
		}
		rest = after
	}
	return ok && strings.HasSuffix(rest, parts[last])
}

// Actor is who acts in chat.
func (id Identity) Actor(client string) chat.Actor {
	return chat.Actor{App: id.App, User: id.User, Client: client}
}

// Person is the user.
func (id Identity) Person() people.Person { return people.Person{App: id.App, User: id.User} }
