// Package centrifuge is the server of the Centrifuge client protocol, the native protocol of chatfleet.
//
// In come connections (WebSocket, HTTP streaming, server-sent events) and on them commands; out go calls of chat, subscriptions to
// fanout and reads of the log, and back to the client replies and pushes. It holds no rule of chat and opens no socket.
//
// A connection is a session, driven by the events of package conn. No event waits for anything: what takes time runs beside, in
// bounded numbers per session, and is answered when it is ready.
package centrifuge

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// Log is what the gateway needs of the backbone: pages of feeds, and the way to other nodes.
type Log interface {
	After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	Before(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	NodeID() string
	Nodes() []backbone.Node
	Ask(ctx context.Context, node, kind string, data []byte) ([]byte, error)
	Answer(kind string, answer func(ctx context.Context, data []byte) ([]byte, error)) error
}

// Options of a Gateway. What has no default must be given.
type Options struct {
	// Conns accepts the connections. Its FrameBytes must be at least Limits.FrameBytes, and its PingInterval Limits.PingInterval.
	Conns *conn.Server
	Chat  *chat.Service
	Hub   *fanout.Hub
	Log   Log
	// Tokens verifies tokens; nil: every token is invalid.
	Tokens *auth.Verifier
	// Anonymous lets connections without a token in, as users without a name.
	Anonymous bool
	// Version is told to clients.
	Version string
	// Limits bound what one connection may do; zero fields mean the defaults.
	Limits Limits

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told; nil: slog.Default.
	Logger *slog.Logger
	// Now is the clock of rates and tokens; time.Now.
	Now func() time.Time
}

// Gateway serves the protocol. Its methods are safe for concurrent use.
type Gateway struct {
	options Options
	limits  Limits
	codec   protocol.Limits
	node    string
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics

	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex
	// emulated holds the sessions to which commands come by separate requests, by their secret.
	emulated map[string]*session
	closed   bool
	work     sync.WaitGroup
	reports  bucket

	people  people.Here[*session]
	reviews *people.Reviews[*subscription]
}

// New gives a gateway that answers the commands which other nodes forward. Register makes it reachable.
func New(o Options) (*Gateway, error) {
	g := &Gateway{
		options:  o,
		limits:   o.Limits.withDefaults(),
		node:     o.Log.NodeID(),
		log:      o.Logger,
		now:      o.Now,
		metrics:  newMetrics(o.Registerer),
		emulated: map[string]*session{},
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.codec = protocol.Limits{
		Bytes: g.limits.FrameBytes, Message: g.limits.CommandBytes,
		Messages: g.limits.FrameCommands, Entries: g.limits.Subscriptions,
	}
	if err := o.Log.Answer(emulationQuestion, g.answerEmulation); err != nil {
		return nil, err
	}
	g.reviews = people.NewReviews(g.concerned, g.reconsider)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	o.Chat.OnChange(g.reviews.Note)
	o.Chat.OnRevoke(g.revoked)
	o.Chat.OnErase(o.Hub.Forget)
	o.Chat.OnAnnounce(g.announce)
	g.work.Go(func() { g.reviews.Run(g.ctx) })
	return g, nil
}

// Register adds the protocol's endpoints: /connection/websocket, /connection/http_stream, /connection/sse and /emulation.
func (g *Gateway) Register(mux *http.ServeMux) {
	mux.HandleFunc("/connection/websocket", g.serveWebSocket)
	for path, serve := range map[string]http.HandlerFunc{
		"/connection/http_stream": g.serveHTTPStream,
		"/connection/sse":         g.serveSSE,
		"/emulation":              g.serveEmulation,
	} {
		mux.Handle(path, g.options.Conns.AllowOrigins(serve))
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

// left forgets the session of a user, and tells chat if it was the last one here.
func (g *Gateway) left(s *session) {
	if g.people.Remove(s.person(), s) {
		g.options.Chat.Left(s.actor.App, s.actor.User)
	}
}

// report logs a fault that no client is told.
func (g *Gateway) report(r request, client string, err error) {
	if g.mayLog() {
		g.log.Error("a command failed", "command", r.kind, "client", client, "error", err)
	}
}

// mayLog allows some faults a second to be logged: a broken part fails every command.
func (g *Gateway) mayLog() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reports.take(g.now(), 1, 10) >= 0
}

// newSecret makes a name that nobody can guess.
func newSecret() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}
