package push

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// account is the row of one user: layout.RowKey(app, user, "push").
type account struct {
	// Hash is that of the password, by bcrypt.
	Hash []byte `json:"hash"`
	// Sessions are those that are logged in, in the order of their beginning.
	Sessions []session `json:"sessions,omitempty"`
	// Saved are the stretches of what was written to the user and no session had received when another one began, oldest first.
	Saved []stretch `json:"saved,omitempty"`
	// Received is how far ended sessions have received: behind it the next stretch begins.
	Received position `json:"received"`
}

// session is what stands between a log-in and its log-out.
type session struct {
	// Key stands for the channel id, which is a secret; see keyOf.
	Key string `json:"key"`
	// Began and Beat are when the session began and when its client last said that it is there, or what it has received, in milliseconds since 1970.
	Began int64 `json:"began"`
	Beat  int64 `json:"beat,omitempty"`
	// Received is up to where the client says to have everything. It is written when the client has to wait, so it may be a little behind.
	Received position `json:"received"`
}

// stretch is what lies behind one position, up to another.
type stretch struct {
	After position `json:"after"`
	UpTo  position `json:"up_to"`
}

const (
	// maxSessions is how many a user has; the next log-in ends the one that was quiet for longest.
	maxSessions = 20
	// maxStretches is how many wait to be fetched; of more, neighbours become one, with what was received between them.
	maxStretches = 8
)

// settings is what a client keeps with the server: layout.RowKey(app, user, "push", "settings").
type settings struct {
	Text string `json:"text"`
}

// owner says whose a channel is: layout.RowKey("\x00push", app, key). No application has a name that begins so.
type owner struct {
	User string `json:"user"`
}

func (g *Gateway) accountKey(user string) string {
	return layout.RowKey(g.options.App, user, "push")
}

func (g *Gateway) settingsKey(user string) string {
	return layout.RowKey(g.options.App, user, "push", "settings")
}

func (g *Gateway) ownerKey(key string) string {
	return layout.RowKey("\x00push", g.options.App, key)
}

// channelLetters is the length of a channel id.
const channelLetters = 64

// newChannel makes a channel id: letters from a to z, each as likely as another.
func newChannel() string {
	const fair = 256 / 26 * 26 // bytes from here on would favour the first letters
	id := make([]byte, 0, channelLetters)
	for some := make([]byte, 2*channelLetters); len(id) < channelLetters; {
		_, _ = rand.Read(some) // it never fails
		for _, b := range some {
			if b < fair && len(id) < channelLetters {
				id = append(id, 'a'+b%26)
			}
		}
	}
	return string(id)
}

// keyOf is what a channel id is known by in tables, so that who reads them can't use it.
func keyOf(channel string) string {
	sum := sha256.Sum256([]byte(channel))
	return hex.EncodeToString(sum[:16])
}

// session finds the session of a channel, and says whether there is one.
func (a *account) session(key string) (found session, ok bool) {
	if a == nil {
		return found, false
	}
	for _, s := range a.Sessions {
		if subtle.ConstantTimeCompare([]byte(s.Key), []byte(key)) == 1 {
			found, ok = s, true
		}
	}
	return found, ok
}

// account gives a user's account as it was a moment ago, nil if there is none.
func (g *Gateway) account(ctx context.Context, user string) (*account, error) {
	if chat.CheckUser(user) != nil {
		return nil, nil
	}
	return g.accounts.get(ctx, g.accountKey(user))
}

// enter gives the session of a user's channel; false if that is none, or the user may not use it any more.
func (g *Gateway) enter(ctx context.Context, user, channel string) (s session, ok bool, err error) {
	if len(channel) != channelLetters || chat.CheckUser(user) != nil {
		return s, false, nil
	}
	key := keyOf(channel)
	a, err := g.accounts.get(ctx, g.accountKey(user))
	if s, ok = a.session(key); !ok && err == nil {
		// The log-in may have been at another node, a moment ago.
		a, err = g.accounts.fresh(ctx, g.accountKey(user))
		s, ok = a.session(key)
	}
	return s, ok && err == nil && g.admits(user, s.Began), err
}

// begin adds a session to an account, from a position on. What came before and no session has received is saved: if there are sessions, their
// clients may have lost them.
func (a *account) begin(s session) (ended []session) {
	missing := stretch{a.Received, s.Received}
	for _, other := range a.Sessions {
		missing.After = missing.After.join(other.Received)
	}
	if !maps.Equal(missing.After.marks, missing.UpTo.marks) {
		a.Saved = append(a.Saved, missing)
	}
	for len(a.Saved) > maxStretches {
		a.Saved[1].After = a.Saved[0].After
		a.Saved = a.Saved[1:]
	}
	for len(a.Sessions) >= maxSessions {
		quiet := 0
		for i, other := range a.Sessions {
			if max(other.Began, other.Beat) < max(a.Sessions[quiet].Began, a.Sessions[quiet].Beat) {
				quiet = i
			}
		}
		ended = append(ended, a.Sessions[quiet])
		a.end(a.Sessions[quiet].Key)
	}
	a.Sessions = append(a.Sessions, s)
	return ended
}

// end takes a session away, and says whether it was there.
func (a *account) end(key string) bool {
	s, ok := a.session(key)
	if ok {
		a.Received = a.Received.join(s.Received)
		a.Sessions = slices.DeleteFunc(a.Sessions, func(other session) bool { return other.Key == key })
	}
	return ok
}
