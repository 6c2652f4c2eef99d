// Package chat is the domain: what channels there are, who may do what in them, and what a message is. It knows no network.
//
// In come the wishes of actors, by channel name; out go drafts to the log (Publish, Call) and the feeds that channels stand for
// (Feed). Until rooms have members and roles, any signed-in user may use any room.
package chat

import (
	"context"
	"encoding/json"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// DefaultApp is the application of actors whose token names none.
const DefaultApp = "default"

// Actor is who wants something.
type Actor struct {
	App string
	// User is empty for anonymous users.
	User string
	// Client is the id of the connection.
	Client string
	// Info is what the user's token says for others to see, JSON or empty.
	Info json.RawMessage
}

// sender is the name under which the actor's messages are ordered and their ids are told apart.
func (a Actor) sender() string {
	if a.User == "" {
		return "\x00" + a.Client
	}
	return a.User
}

// ClientInfo is the actor as others see it: {"user","client","conn_info"}.
func (a Actor) ClientInfo() []byte {
	info, err := json.Marshal(struct {
		User   string          `json:"user"`
		Client string          `json:"client"`
		Info   json.RawMessage `json:"conn_info,omitempty"`
	}{a.User, a.Client, a.Info})
	if err != nil {
		return nil // Info was not JSON; tokens are checked for that
	}
	return info
}

// Log is what chat needs of the backbone.
type Log interface {
	Enqueue(feed backbone.Feed, d backbone.Draft) *backbone.Pending
	Read(ctx context.Context, feed backbone.Feed, offset uint64) (*backbone.Message, error)
}

// Signals carries what is not stored to everybody who listens.
type Signals interface {
	Signal(feed backbone.Feed, data []byte) error
}

// Limits bound what one user may do.
type Limits struct {
	// TextBytes bounds the text of a message, DataBytes its data.
	TextBytes, DataBytes int
	// MessagesPerSecond and Burst bound a user's messages, on all connections to this node together.
	MessagesPerSecond float64
	Burst             int
}

// DefaultLimits are the limits if nothing else is said.
var DefaultLimits = Limits{TextBytes: 16 << 10, DataBytes: 60 << 10, MessagesPerSecond: 20, Burst: 40}

// Service answers wishes. Its methods are safe for concurrent use.
type Service struct {
	log     Log
	signals Signals
	open    patterns
	limits  Limits
	rates   rates
}

// New gives the service on a log, with a way to send signals (the node's fan-out). openChannels are patterns, with * for any text, of channels outside the chat vocabulary that
// anybody may use.
func New(log Log, signals Signals, openChannels []string, limits Limits) *Service {
	return &Service{log: log, signals: signals, open: openChannels, limits: limits, rates: rates{limits: limits}}
}
