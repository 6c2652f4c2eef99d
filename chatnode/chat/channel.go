package chat

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// MaxName is the greatest length of the name of a room, a user or an application, in bytes of UTF-8.
const MaxName = 128

// Prefixes of channel names.
const (
	roomPrefix   = "room:"
	directPrefix = "dm:"
	userPrefix   = "user:"
)

// Verb is what an actor wants to do in a channel.
type Verb uint8

// The verbs.
const (
	Subscribe Verb = iota
	Publish
	History
	Presence
)

// Access is what an actor gets of a channel.
type Access struct {
	Feed backbone.Feed
	// Floor is the offset up to which the history is not for the actor: 0 if all of it is, NoHistory if nothing is.
	Floor uint64
}

// NoHistory is behind every offset.
const NoHistory = ^uint64(0)

// verbRights are what the verbs need in a conversation.
var verbRights = [...]right{Subscribe: toRead, Publish: toWrite, History: toRead, Presence: toSeeMembers}

// Access gives the feed that a channel stands for, if the actor may do that there. Errors: Invalid, NotFound, Denied, Unavailable.
func (s *Service) Access(ctx context.Context, a Actor, channel string, v Verb) (Access, error) {
	if err := CheckUTF8(channel); err != nil {
		return Access{}, err
	}
	switch kind, name, _ := strings.Cut(channel, ":"); kind + ":" {
	case roomPrefix, directPrefix:
		st, err := s.allow(ctx, a, channel, verbRights[v])
		return Access{Feed: st.feed, Floor: st.floor()}, err
	case userPrefix:
		feed, err := s.personal(a, name, v)
		return Access{Feed: feed}, err
	default:
		feed, err := s.openChannel(a, channel)
		return Access{Feed: feed}, err
	}
}

// CheckUTF8 refuses names that are not text.
func CheckUTF8(channel string) error {
	if !utf8.ValidString(channel) {
		return failf(Invalid, "a channel's name must be UTF-8")
	}
	return nil
}

// conversation parses the name of a room or of a direct conversation; other is the other user of the latter.
func (s *Service) conversation(a Actor, channel string) (feed backbone.Feed, other string, err error) {
	if err := CheckUTF8(channel); err != nil {
		return backbone.Feed{}, "", err
	}
	switch kind, name, _ := strings.Cut(channel, ":"); kind + ":" {
	case roomPrefix:
		feed, err = s.room(a, channel, name)
		return feed, "", err
	case directPrefix:
		return s.direct(a, channel, name)
	}
	return backbone.Feed{}, "", failf(Invalid, "%q is no room: their names begin with room: or dm:", channel)
}

// Channel gives the name of the channel that a feed stands for.
func (s *Service) Channel(feed backbone.Feed) string { return Channel(feed) }

// Channel gives the name of the channel that a feed stands for.
func Channel(feed backbone.Feed) string {
	if feed.Kind == layout.User {
		return userPrefix + feed.Name
	}
	return feed.Name
}

// PersonalChannel is the channel of a user's personal feed.
func PersonalChannel(user string) string { return userPrefix + user }

func (s *Service) room(a Actor, channel, name string) (backbone.Feed, error) {
	if err := checkName("room", name); err != nil {
		return backbone.Feed{}, err
	}
	if a.User == "" && !a.Server {
		return backbone.Feed{}, failf(Denied, "rooms are for signed-in users")
	}
	return backbone.Feed{Kind: layout.Room, App: a.App, Name: channel}, nil
}

func (s *Service) direct(a Actor, channel, pair string) (feed backbone.Feed, other string, err error) {
	first, second, ok := strings.Cut(pair, ",")
	one, okOne := unescapeUser(first)
	two, okTwo := unescapeUser(second)
	if !ok || !okOne || !okTwo || one > two {
		return feed, "", failf(Invalid, "a direct channel is dm:A,B with the two user ids sorted, and , and %% in them written %%2C and %%25")
	}
	for _, user := range []string{one, two} {
		if err := checkName("user", user); err != nil {
			return feed, "", err
		}
	}
	switch {
	case a.Server, a.User == one:
		other = two
	case a.User == two:
		other = one
	default:
		return feed, "", failf(Denied, "a direct channel is for its two users")
	}
	return backbone.Feed{Kind: layout.Room, App: a.App, Name: channel}, other, nil
}

func (s *Service) personal(a Actor, user string, v Verb) (backbone.Feed, error) {
	if err := checkName("user", user); err != nil {
		return backbone.Feed{}, err
	}
	if a.User == "" || a.User != user || v == Publish || v == Presence {
		return backbone.Feed{}, failf(Denied, "a personal channel can be read by its user, and written by the server")
	}
	return backbone.Feed{Kind: layout.User, App: a.App, Name: user}, nil
}

func (s *Service) openChannel(a Actor, channel string) (backbone.Feed, error) {
	if err := checkName("channel", channel); err != nil {
		return backbone.Feed{}, err
	}
	if !s.open.match(channel) {
		return backbone.Feed{}, failf(NotFound, "no such channel: names begin with room:, dm: or user:")
	}
	return backbone.Feed{Kind: layout.Room, App: a.App, Name: channel}, nil
}

// CheckUser says what is wrong with a user's name, if anything is.
func CheckUser(name string) error { return checkName("user", name) }

// CheckApp says what is wrong with an application's name, if anything is.
func CheckApp(name string) error { return checkName("tenant", name) }

func checkName(what, name string) error {
	switch {
	case name == "":
		return failf(Invalid, "the name of a %s must not be empty", what)
	case len(name) > MaxName:
		return failf(Invalid, "the name of a %s has at most %d bytes", what, MaxName)
	case !utf8.ValidString(name):
		return failf(Invalid, "the name of a %s must be UTF-8", what)
	case name[0] == 0: // names that begin so are our own, such as serverSender
		return failf(Invalid, "the name of a %s must not begin with a zero byte", what)
	}
	return nil
}

// What is written how in a user id inside a dm: name, and read how. To make one of these takes longer than to use it.
var (
	userEscapes   = strings.NewReplacer("%", "%25", ",", "%2C")
	userUnescapes = strings.NewReplacer("%2C", ",", "%25", "%")
)

// unescapeUser reads a user id inside a dm: name. Only the one canonical spelling is taken, so that a pair has one channel.
func unescapeUser(s string) (string, bool) {
	plain := userUnescapes.Replace(s)
	return plain, EscapeUser(plain) == s
}

// EscapeUser writes a user id as it stands inside a dm: name.
func EscapeUser(user string) string { return userEscapes.Replace(user) }

// conversational says whether a channel carries chat messages; open channels carry whatever is published, as it is.
func conversational(channel string) bool {
	return strings.HasPrefix(channel, roomPrefix) || strings.HasPrefix(channel, directPrefix)
}

// patterns are texts in which * stands for any text.
type patterns []string

func (p patterns) match(s string) bool {
	for _, pattern := range p {
		if matches(pattern, s) {
			return true
		}
	}
	return false
}

func matches(pattern, s string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == s
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s = s[i+len(part):]
	}
	return true
}

// directUsers are the two users of a direct conversation, whose name has been checked.
func directUsers(channel string) [2]string {
	first, second, _ := strings.Cut(strings.TrimPrefix(channel, directPrefix), ",")
	one, _ := unescapeUser(first)
	two, _ := unescapeUser(second)
	return [2]string{one, two}
}

// Direct is the channel of the direct conversation of two users.
func Direct(one, two string) string {
	return directPrefix + EscapeUser(min(one, two)) + "," + EscapeUser(max(one, two))
}

// Partner is the other user of a user's direct conversation, who may be the same one; false if the channel is none.
func Partner(channel, user string) (other string, ok bool) {
	if !strings.HasPrefix(channel, directPrefix) {
		return "", false
	}
	users := directUsers(channel)
	if users[0] == user {
		return users[1], true
	}
	return users[0], true
}
