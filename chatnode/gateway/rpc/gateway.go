// Package rpc serves the chat service to backends, and to whoever has a user's token: over Connect, which is HTTP with JSON or Protobuf, over
// gRPC and over gRPC-Web, all on one port.
//
// In come requests, of which it says who makes them; out go calls of chat, and back the replies and errors. It holds no rule of chat. The
// definition is api/chat/v1/chat.proto.
package rpc

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat/methods"
	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// Defaults of Options.
const (
	DefaultRequestBytes = 1 << 20
	DefaultRequests     = 1000
	DefaultTimeout      = 10 * time.Second
)

// compressFrom is the size from which replies are compressed if the caller takes that, in bytes.
const compressFrom = 1 << 10

// Options of a Gateway. What has no default must be given.
type Options struct {
	Chat methods.Chat
	// Tokens knows server keys and tokens.
	Tokens *auth.Verifier
	// Admit says whether a token of the user, issued at that time, may still be used: chat.Service's; nil: it may.
	Admit func(app, user string, issued time.Time) error
	// Conns says which pages may make requests.
	Conns *conn.Server

	// RequestBytes bounds a request, unpacked; 0: DefaultRequestBytes.
	RequestBytes int
	// Requests bounds how many are answered at once; 0: DefaultRequests.
	Requests int
	// User bounds each user with a token, Server all servers of an application together; what is 0 is that of the defaults.
	User, Server Bounds
	// Timeout bounds how long one is answered; 0: DefaultTimeout. Callers may ask for less.
	Timeout time.Duration

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no caller is told; nil: slog.Default.
	Logger *slog.Logger
}

// Gateway answers requests. It is safe for concurrent use, and ends with the HTTP server that uses it.
type Gateway struct {
	options Options
	metrics *metrics
	errors  *connect.ErrorWriter
	calls   http.Handler
	running atomic.Int64
	callers callers
}

// New gives a gateway. Register makes it reachable.
func New(o Options) *Gateway {
	if o.RequestBytes == 0 {
		o.RequestBytes = DefaultRequestBytes
	}
	if o.Requests == 0 {
		o.Requests = DefaultRequests
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	g := &Gateway{options: o, callers: callers{
		user: o.User.or(DefaultUserBounds), server: o.Server.or(DefaultServerBounds), now: time.Now, all: map[caller]*calling{},
	}}
	g.metrics = newMetrics(o.Registerer, func() float64 { return float64(g.callers.count()) })
	options := []connect.HandlerOption{
		connect.WithCodec(codec("json")), connect.WithCodec(codec("json; charset=utf-8")),
		connect.WithReadMaxBytes(o.RequestBytes), connect.WithCompressMinBytes(compressFrom),
		connect.WithRequestGate(g.admit),
	}
	g.errors = connect.NewErrorWriter(options...)
	_, g.calls = chatv1connect.NewChatServiceHandler(&service{g}, options...)
	return g
}

// Headers of browsers' requests and replies, besides those that every page may use.
var (
	askedHeaders = []string{
		"Authorization", userHeader, "Connect-Protocol-Version", "Connect-Timeout-Ms", "Grpc-Timeout", "X-Grpc-Web", "X-User-Agent",
	}
	toldHeaders = "Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin, " + retryHeader
)

// Register puts the methods and /openapi.json, which describes them, into mux.
func (g *Gateway) Register(mux *http.ServeMux) {
	mux.Handle(servicePath, g.options.Conns.AllowOrigins(http.HandlerFunc(g.serve), askedHeaders...))
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(chatv1.OpenAPI) // an error is a caller that has gone
	})
}

// serve answers one request, and counts it.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Expose-Headers", toldHeaders)
	w.Header().Set("Cache-Control", "no-store")
	began := time.Now()
	method, known := methodOf(r.URL.Path)
	o := &outcome{code: unread}
	defer func() { g.metrics.answered(method, o.code, time.Since(began)) }()
	if g.running.Add(1) > int64(g.options.Requests) {
		g.running.Add(-1)
		g.metrics.refused.WithLabelValues(boundNode).Inc()
		g.refuse(w, r, o, tooManyAtOnce)
		return
	}
	g.metrics.running.Inc()
	defer func() {
		o.end()
		g.running.Add(-1)
		g.metrics.running.Dec()
	}()
	switch {
	case !known:
		g.refuse(w, r, o, noMethod(r.URL.Path))
	case !isCall(r):
		g.refuse(w, r, o, notACall)
	default:
		g.calls.ServeHTTP(w, r.WithContext(o.in(r.Context())))
	}
}

// refuse answers with an error before the request is read.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, o *outcome, err *connect.Error) {
	o.code = err.Code().String()
	_ = g.errors.Write(w, r, err) // an error is a caller that has gone
}
