// Package mqtt serves the clients of chat21: its MQTT topics, over bare TCP and over WebSocket, and its HTTP API.
//
// In come MQTT packets and HTTP requests; out go calls of chat and subscriptions to fanout, and back to the clients what chat21 publishes
// below apps/APP/users/USER/. There is no broker: a topic is a way to say something to chat or to be told something by it, and a client
// reaches nobody but by them. README.md says what of chat21 is served and how.
package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// Log is what the gateway needs of the backbone: the ends of feeds, and rows for what chat21 keeps of conversations.
type Log interface {
	Before(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	Get(ctx context.Context, table, key string) (backbone.Row, error)
	Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error)
	Remove(ctx context.Context, table, key string, expected uint64) error
	List(ctx context.Context, table, prefix string, after uint64, limit int) ([]backbone.Row, bool, error)
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
	options Options
	limits  Limits
	log     *slog.Logger
	now     func() time.Time
	metrics *metrics
	bodies  bodies
	people  people.Here[*session]
	reviews *people.Reviews[*subscription]
	running atomic.Int64 // requests of the HTTP API

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
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	if g.now == nil {
		g.now = time.Now
	}
	g.reviews = people.NewReviews(g.concerned, g.reconsider)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	o.Chat.OnChange(g.reviews.Note)
	o.Chat.OnRevoke(g.revoked)
	o.Chat.OnErase(g.erased)
	g.work.Go(func() { g.reviews.Run(g.ctx) })
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
			if !pause(g.ctx, acceptAgain) {
				return nil
			}
			continue
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

// pause returns true after that time, and false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
