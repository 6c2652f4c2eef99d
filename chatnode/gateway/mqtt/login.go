package mqtt

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/chatfleet/chatfleet/chatnode/auth"
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

// identity is who a token is for, and what it allows.
type identity struct {
	app, user string
	admin     bool
	issued    time.Time
	expires   time.Time // zero: never
	// read and write are patterns of dotted topics, in which * stands for any text.
	read, write []string
}

var errClaims = errors.New("the token names no user or no app_id")

// identify verifies a token. Errors: those of auth, of chat's Admit, errClaims.
func (g *Gateway) identify(token string) (identity, error) {
	var c claims
	if err := g.options.Tokens.Foreign(token, &c); err != nil {
		return identity{}, err
	}
	if chat.CheckUser(c.Subject) != nil || c.App == "" || len(c.App) > chat.MaxName || !plain(c.Subject) || !plain(c.App) {
		return identity{}, errClaims
	}
	id := identity{
		app: c.App, user: c.Subject, admin: slices.Contains(c.Roles, "admin"), issued: c.IssuedAt.Time(), expires: c.Expiry.Time(),
	}
	for _, scope := range c.Scope {
		permission, pattern, ok := parseScope(scope)
		switch {
		case !ok:
		case permission == "read":
			id.read = append(id.read, pattern)
		case permission == "write":
			id.write = append(id.write, pattern)
		}
	}
	return id, g.options.Chat.Admit(id.app, id.user, id.issued)
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

// covered says whether a topic, or a topic filter, lies within one of the patterns.
func covered(patterns []string, topic string) bool {
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

// actor is who acts in chat.
func (id identity) actor(client string) chat.Actor {
	return chat.Actor{App: id.app, User: id.user, Client: client}
}

func (id identity) person() people.Person { return people.Person{App: id.app, User: id.user} }

// loginResult names a failed login in the metric.
func loginResult(err error) string {
	switch {
	case err == nil:
		return "accepted"
	case errors.Is(err, auth.ErrExpired):
		return "expired"
	case errors.Is(err, chat.ErrBanned), errors.Is(err, chat.ErrRevoked):
		return "revoked"
	case errors.Is(err, errClaims), errors.Is(err, auth.ErrClaims):
		return "claims"
	default:
		return "invalid"
	}
}
