// Package push serves clients of cHaTTP: commands by HTTP, answered in JSON, and messages by HTTP push, a long poll that says in headers where
// the next one goes on.
//
// In come requests; out go calls of chat. What a user writes is an ordinary message in the direct conversation of two users, and what a user
// receives are the messages of others in all of them, from whatever protocol. Accounts, sessions and settings stand in a table, so that any
// node answers any request. README.md is the page for those who come from cHaTTP.
package push

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// dataKey is where a message's data has what this protocol needs besides text.
const dataKey = "push"

// Chat is the part of chat.Service that is used.
type Chat interface {
	Send(ctx context.Context, a chat.Actor, q *chatv1.SendRequest) (*chatv1.Sent, error)
	Messages(ctx context.Context, a chat.Actor, q *chatv1.MessagesRequest) (*chatv1.MessagesReply, error)
	Presence(ctx context.Context, a chat.Actor, q *chatv1.PresenceRequest) (*chatv1.PresenceReply, error)
	Mail(ctx context.Context, a chat.Actor, behind func(feed backbone.Feed) uint64) ([]chat.Mail, error)
	Admit(app, user string, issued time.Time) error
	Left(app, user string)
	OnErasing(remove func(ctx context.Context, app, user string) error)
}

// Log says where feeds live.
type Log interface {
	ShardOf(feed backbone.Feed) layout.Shard
}

// Concurrency says what becomes of several polls of one channel at one node. At different nodes all are answered.
type Concurrency string

// The ways of the push module.
const (
	// First answers a newer poll with 409, Last the older one; Broadcast answers all.
	First     Concurrency = "first"
	Last      Concurrency = "last"
	Broadcast Concurrency = "broadcast"
)

// Defaults of Options.
const (
	DefaultRequests  = 1000
	DefaultPolls     = 10_000
	DefaultBodyBytes = 64 << 10
	DefaultTimeout   = 10 * time.Second
	DefaultWait      = 10 * time.Minute
)

// Options of a Gateway. What has no default must be given.
type Options struct {
	// App is the application in which everybody is who comes here.
	App    string
	Chat   Chat
	Hub    *fanout.Hub
	Tables Tables
	Log    Log

	// Shape is which original gateway the answers are those of.
	Shape Shape
	// Closed lets nobody register.
	Closed bool
	// TrustedProxies are those whose X-Forwarded-For is believed: where a password comes from bounds how often one may guess.
	TrustedProxies []netip.Prefix
	// Concurrency; empty: First.
	Concurrency Concurrency
	// Interval answers 304 instead of letting a poll wait.
	Interval bool

	// Requests bounds how many commands are answered at once, Polls how many wait; 0: the defaults.
	Requests, Polls int
	// BodyBytes bounds a body; 0: DefaultBodyBytes.
	BodyBytes int64
	// HashCost is what a password costs to check, as bcrypt counts; 0: DefaultHashCost.
	HashCost int
	// Timeout bounds how long a command is answered, and Wait how long a poll waits before it is answered with 304; 0: the defaults.
	Timeout, Wait time.Duration

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told; nil: slog.Default.
	Logger *slog.Logger
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Gateway answers requests: it is an http.Handler, safe for concurrent use.
type Gateway struct {
	options  Options
	metrics  *metrics
	hasher   *hasher
	guesses  *auth.Guesses
	accounts *rows[account]
	settings *rows[settings]
	owners   *rows[owner]
	pollers  pollers
	requests conn.Requests
	stop     func()
	// ending is closed when polls are to go elsewhere.
	ending chan struct{}
	end    sync.Once
	work   sync.WaitGroup
}

// New gives a gateway. It must be closed before what it uses is.
func New(o Options) (*Gateway, error) {
	if o.Concurrency == "" {
		o.Concurrency = First
	}
	if o.Requests == 0 {
		o.Requests = DefaultRequests
	}
	if o.Polls == 0 {
		o.Polls = DefaultPolls
	}
	if o.BodyBytes == 0 {
		o.BodyBytes = DefaultBodyBytes
	}
	if o.HashCost == 0 {
		o.HashCost = DefaultHashCost
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Wait == 0 {
		o.Wait = DefaultWait
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Gateway{
		options: o, hasher: newHasher(o.HashCost), guesses: auth.NewGuesses(auth.GuessOptions{Clock: o.Now}), ending: make(chan struct{}),
		requests: conn.Requests{BodyBytes: o.BodyBytes, AtOnce: o.Requests, Timeout: o.Timeout},
		accounts: newRows[account](o.Tables), settings: newRows[settings](o.Tables), owners: newRows[owner](o.Tables),
		pollers: pollers{most: o.Polls, byChannel: map[string][]*poller{}, byRow: map[string]map[*poller]bool{}},
	}
	g.metrics = newMetrics(o.Registerer, g)
	stop, err := o.Tables.Watch(table, g.changed)
	if err != nil {
		return nil, err
	}
	g.stop = stop
	o.Chat.OnErasing(g.eraseChannels)
	return g, nil
}

// changed forgets a row, and wakes who waits for what it says.
func (g *Gateway) changed(key string) {
	g.accounts.forget(key)
	g.settings.forget(key)
	g.owners.forget(key)
	g.pollers.wake(key)
}

// Drain answers all polls that wait, so that their clients come again, to another node. New ones don't wait any more.
func (g *Gateway) Drain() { g.end.Do(func() { close(g.ending) }) }

// Close drains, and waits until nothing is being done any more.
func (g *Gateway) Close() {
	g.Drain()
	g.work.Wait()
	g.stop()
}

// admits says whether a user may still use a session that began at that time, in milliseconds.
func (g *Gateway) admits(user string, began int64) bool {
	return g.options.Chat.Admit(g.options.App, user, time.UnixMilli(began)) == nil
}

// millis is the time, in milliseconds since 1970.
func (g *Gateway) millis() int64 { return g.options.Now().UnixMilli() }

// ServeHTTP answers a request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.work.Add(1)
	defer g.work.Done()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestWait + g.options.Timeout + writeWait))
	path := r.URL.EscapedPath()
	command, ok := commandOf(path)
	switch {
	case !ok && isSubscriber(path):
		g.poll(w, r)
	case !ok:
		g.refuse(w, malformed, http.StatusBadRequest, malformedURL)
	default:
		g.command(w, r, command)
	}
}

// refuse answers with words instead of JSON.
func (g *Gateway) refuse(w http.ResponseWriter, command string, status int, words string) {
	g.metrics.answered(command, status, done)
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(words + "\n")) // an error is a client that has gone
}
