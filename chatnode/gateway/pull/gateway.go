// Package pull serves clients of distributed-chat and of its many relatives: JSON over HTTP, with /ping, /api/send and /api/pull, where a chat
// is the pair of its members and messages are fetched by a cursor.
//
// In come requests, of which nobody says who makes them: what they ask for is done as the application's own server, for the sender that they
// name. Out go calls of chat and reads of the log, and back come pages of a chat as it is now. The newest messages of chats that are read
// often are kept in memory; see strip.
package pull

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// Defaults of Options.
const (
	DefaultRequestBytes = 128 << 10
	DefaultRequests     = 1000
	DefaultTimeout      = 10 * time.Second
	DefaultCacheBytes   = 64 << 20
)

// Chat is what the gateway needs of the chat service.
type Chat interface {
	Send(ctx context.Context, a chat.Actor, q *chatv1.SendRequest) (*chatv1.Sent, error)
	Access(ctx context.Context, a chat.Actor, channel string, v chat.Verb) (chat.Access, error)
}

// Log is what it needs of the message log.
type Log interface {
	Messages(ctx context.Context, feed backbone.Feed, q backbone.MessagesQuery) (backbone.View, error)
}

// Options of a Gateway. What has no default must be given.
type Options struct {
	Chat Chat
	Log  Log
	Hub  *fanout.Hub
	// App is the application in which all chats are; Dialect is "" for Default.
	App     string
	Dialect Dialect

	// RequestBytes bounds a request's body; 0: DefaultRequestBytes.
	RequestBytes int
	// Requests bounds how many are answered at once; 0: DefaultRequests.
	Requests int
	// Timeout bounds how long one is answered; 0: DefaultTimeout.
	Timeout time.Duration
	// CacheBytes bounds the messages that are kept in memory; 0: DefaultCacheBytes.
	CacheBytes int

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told; nil: slog.Default.
	Logger *slog.Logger
}

// Gateway answers requests. It is safe for concurrent use.
type Gateway struct {
	options  Options
	manner   *manner
	metrics  *metrics
	requests conn.Requests
	strips   strips
}

// New gives a gateway.
func New(o Options) (*Gateway, error) {
	if o.Dialect == "" {
		o.Dialect = Default
	}
	if _, err := ParseDialect(string(o.Dialect)); err != nil {
		return nil, err
	}
	if o.RequestBytes == 0 {
		o.RequestBytes = DefaultRequestBytes
	}
	if o.Requests == 0 {
		o.Requests = DefaultRequests
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.CacheBytes == 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	g := &Gateway{
		options: o, manner: manners[o.Dialect],
		requests: conn.Requests{BodyBytes: int64(o.RequestBytes), AtOnce: o.Requests, Timeout: o.Timeout},
	}
	g.strips.init(g)
	g.metrics = newMetrics(o.Registerer, &g.requests, &g.strips)
	return g, nil
}

// Close lets go of what is in memory. No request may be under way any more.
func (g *Gateway) Close() { g.strips.close() }

// Types of answers.
const (
	plain  = "text/plain; charset=utf-8"
	isJSON = "application/json; charset=utf-8"
)

// ServeHTTP answers one request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.manner.server != "" {
		w.Header().Set("Server", g.manner.server)
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /ping":
		g.answer(w, http.StatusOK, isJSON, []byte(`{"message":"pong"}`))
		g.metrics.requests.WithLabelValues("ping", "200").Inc()
	case "POST /api/send":
		g.call(w, r, "send", g.send)
	case "GET /api/pull":
		g.call(w, r, "pull", g.pull)
	default: // also a known path by another method
		g.answer(w, http.StatusNotFound, "text/plain", []byte("404 page not found"))
		g.metrics.requests.WithLabelValues("unknown", "404").Inc()
	}
}

// reply is what a request is answered with.
type reply struct {
	status int
	kind   string
	body   []byte
}

// call reads a request, has it answered, and counts it.
func (g *Gateway) call(w http.ResponseWriter, r *http.Request, name string, do func(context.Context, *request) (reply, error)) {
	began := time.Now()
	a, err := g.do(w, r, do)
	if err != nil {
		a = g.refusal(name, err)
	}
	if a.status == http.StatusTooManyRequests || a.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	g.answer(w, a.status, a.kind, a.body)
	g.metrics.answered(name, a.status, time.Since(began))
}

func (g *Gateway) do(w http.ResponseWriter, r *http.Request, do func(context.Context, *request) (reply, error)) (a reply, err error) {
	err = g.requests.Do(w, r, func(ctx context.Context, body []byte) error {
		q, err := parse(r.URL.RawQuery, r.Header.Get("Content-Type"), body)
		if err != nil {
			return unread{err}
		}
		a, err = do(ctx, q)
		return err
	})
	return a, err
}

func (g *Gateway) answer(w http.ResponseWriter, status int, kind string, body []byte) {
	h := w.Header()
	if len(body) == 0 {
		h["Content-Type"] = nil // an empty answer has none
	} else {
		h.Set("Content-Type", kind)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error is a client that has gone
}

// unread is a request that couldn't be read.
type unread struct{ error }

func (e unread) Unwrap() error { return e.error }
