// Package mqtt serves the clients of chat21: its MQTT topics, over bare TCP and over WebSocket, and its HTTP API.
//
// In come MQTT packets and HTTP requests; out go calls of chat and subscriptions to fanout, and back to the clients what chat21 publishes
// below apps/APP/users/USER/. There is no broker: a topic is a way to say something to chat or to be told something by it, and a client
// reaches nobody but by them. Here are connections and sessions; package packet has the wire, package chat21 what messages, conversations and
// groups are, package api the HTTP API. README.md says what of chat21 is served and how.
package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/api"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/hook"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// Log is what the gateway needs of the backbone: besides what timelines do, the ends of feeds.
type Log interface {
	chat21.Log
	Before(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
}

// Options of a Gateway. What has no default must be given.
type Options struct {
	// Conns accepts the connections.
	Conns *conn.Server
	Chat  *chat.Service
	Hub   *fanout.Hub
	Log   Log
	// Tokens verifies chat21's tokens.
	Tokens *auth.Verifier
	// Webhook is true if there is a webhook in chat21's form; see chat21.Timelines.WebhookForm.
	Webhook bool
	// Version is told to clients of the HTTP API.
	Version string
	// Limits bound what one connection may do; zero fields mean the defaults.
	Limits Limits

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told; nil: slog.Default.
	Logger *slog.Logger
	// Now is the clock of tokens; time.Now.
	Now func() time.Time
}

// Gateway serves the protocol. Its methods are safe for concurrent use.
type Gateway struct {
	options   Options
	limits    Limits
	log       *slog.Logger
	now       func() time.Time
	metrics   *metrics
	timelines *chat21.Timelines
	api       *api.API
	people    people.Here[*session]
	reviews   *people.Reviews[*subscription]
	returns   chan returnReceipt

	ctx    context.Context
	cancel context.CancelFunc

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
}

// New gives a gateway. ServeTCP and Register make it reachable.
func New(o Options) *Gateway {
	g := &Gateway{
		options: o, limits: o.Limits.withDefaults(), log: o.Logger, now: o.Now, metrics: newMetrics(o.Registerer),
		returns: make(chan returnReceipt, maxReturns),
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.timelines = chat21.New(chat21.Options{
		Chat: o.Chat, Log: o.Log, Signals: o.Hub, Tokens: o.Tokens, Webhook: o.Webhook, Now: g.now, Registerer: o.Registerer,
	})
	g.api = api.New(api.Options{
		Timelines: g.timelines, Chat: o.Chat, Tokens: o.Tokens, Version: o.Version,
		RequestBytes: g.limits.RequestBytes, Requests: g.limits.Requests, Timeout: g.limits.RequestTimeout,
		Registerer: o.Registerer, Logger: g.log,
	})
	g.reviews = people.NewReviews(g.concerned, g.reconsider)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	o.Chat.OnChange(g.reviews.Note)
	o.Chat.OnRevoke(g.revoked)
	o.Chat.OnErase(g.erased)
	g.work.Go(func() { g.reviews.Run(g.ctx) })
	for range returning {
		g.work.Go(func() { g.tellReturns(g.ctx) })
	}
	return g
}

// acceptAgain is the pause after a socket could not be accepted, as when the process has too many.
const acceptAgain = 50 * time.Millisecond

// ServeTCP takes MQTT connections from a listener until that is closed.
func (g *Gateway) ServeTCP(l net.Listener) error {
	for {
		socket, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil:
			g.log.Warn("a socket could not be accepted", "error", err)
			select {
			case <-g.ctx.Done():
				return nil
			case <-time.After(acceptAgain):
				continue
			}
		}
		// Why a socket is refused is counted where it is.
		_ = g.options.Conns.AcceptRaw(socket, func(c *conn.Conn) (conn.Handler, error) { return g.open(c), nil })
	}
}

// Close ends the work that is under way for sessions, and waits for it. Close the connections before.
func (g *Gateway) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.work.Wait()
}

// start runs f in a goroutine that Close waits for; false if the gateway is closed.
func (g *Gateway) start(f func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.work.Go(f)
	return true
}

// erased forgets what is kept of a user whose messages have been erased.
func (g *Gateway) erased(app, user string) {
	g.start(func() {
		ctx, cancel := context.WithTimeout(g.ctx, g.limits.SendTimeout)
		defer cancel()
		if err := g.timelines.Forget(ctx, app, user); err != nil {
			g.log.Error("what chat21 keeps of an erased user is still there", "app", app, "error", err)
		}
	})
}

// WebhookForm is that of chat21's timelines.
func (g *Gateway) WebhookForm(ctx context.Context, e hook.Event) ([]hook.Body, error) {
	return g.timelines.WebhookForm(ctx, e)
}
