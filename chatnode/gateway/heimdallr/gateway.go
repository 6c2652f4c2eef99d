// Package heimdallr serves clients of heimdallr, which know a room's number and nothing else: WebSockets on /{room}.
//
// In come text messages, each of which is said in the room by the application's server; out go the texts of all messages of the room, those of
// other protocols and the client's own among them. A client shows no identity. Beside the rooms there are heimdallr's ports for load
// balancers and for statistics. The package holds no rule of chat.
package heimdallr

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// Options of a Gateway. What has no default must be given.
type Options struct {
	// Conns accepts the connections. Whoever drains it calls Leave before.
	Conns *conn.Server
	Chat  *chat.Service
	Hub   *fanout.Hub
	// App is the application that the rooms belong to; "": chat.DefaultApp.
	App string
	// Health is the port that /health/up and /health/down open and close; nil: there is none.
	Health *Health

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told; nil: slog.Default.
	Logger *slog.Logger
}

// Gateway serves the rooms. Its methods are safe for concurrent use.
type Gateway struct {
	options Options
	encoder encoder
	log     *slog.Logger
	metrics *metrics

	ctx    context.Context
	cancel context.CancelFunc
	// failover is the protocol that clients are told to go on with elsewhere when they are closed; nil as long as they may stay.
	failover atomic.Pointer[string]

	mu    sync.Mutex
	rooms map[string]map[*session]struct{}
	// count is how many sessions there are, with those to come.
	count int
	last  uint64 // the number of the newest session
}

// New gives a gateway. Rooms and Admin make it reachable.
func New(o Options) *Gateway {
	g := &Gateway{options: o, log: o.Logger, metrics: newMetrics(o.Registerer), rooms: map[string]map[*session]struct{}{}}
	if g.options.App == "" {
		g.options.App = chat.DefaultApp
	}
	if g.log == nil {
		g.log = slog.Default()
	}
	g.encoder = encoder{g.metrics}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// Rooms answers on the port of the rooms.
func (g *Gateway) Rooms() http.Handler { return http.HandlerFunc(g.serveRoom) }

// Leave says that the node is going to close its connections: load balancers are told that it is down, newcomers are sent away, and whoever is
// closed gets the notice to connect elsewhere.
func (g *Gateway) Leave() { g.beginFailover(ownProtocol) }

// Close ends what waits for the log. Close the connections before.
func (g *Gateway) Close() { g.cancel() }

// reserve counts a session that is to come; false if the application has as many connections as it may.
func (g *Gateway) reserve() bool {
	limit := g.options.Chat.Connections(g.options.App)
	g.mu.Lock()
	defer g.mu.Unlock()
	if limit > 0 && g.count >= limit {
		return false
	}
	g.count++
	return true
}

// release takes back what reserve has counted.
func (g *Gateway) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
}

// enter adds a session that is counted and whose connection is open.
func (g *Gateway) enter(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	room := g.rooms[s.room]
	if room == nil {
		room = map[*session]struct{}{}
		g.rooms[s.room] = room
	}
	g.last++
	s.number = g.last
	room[s] = struct{}{}
	g.metrics.sessions.Inc()
}

// leave forgets a session that has entered, and what reserve has counted of it.
func (g *Gateway) leave(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	g.metrics.sessions.Dec()
	room := g.rooms[s.room]
	if delete(room, s); len(room) == 0 {
		delete(g.rooms, s.room)
	}
}

// sessions lists all sessions that are ready.
func (g *Gateway) sessions() []*session {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*session
	for _, room := range g.rooms {
		for s := range room {
			if s.ready.Load() {
				all = append(all, s)
			}
		}
	}
	return all
}
