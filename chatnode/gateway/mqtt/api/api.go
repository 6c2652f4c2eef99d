// Package api is the HTTP API of chat21: requests in, calls of chat21's timelines and of chat out.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
)

// Options of an API. What has no default must be given.
type Options struct {
	Timelines *chat21.Timelines
	Chat      *chat.Service
	// Tokens verifies chat21's tokens.
	Tokens *auth.Verifier
	// Version is told to clients.
	Version string
	// RequestBytes is the largest body of a request, Requests how many are answered at a time, Timeout bounds the work on each.
	RequestBytes, Requests int
	Timeout                time.Duration

	// Registerer takes the metric; nil: it is not registered.
	Registerer prometheus.Registerer
	// Logger takes faults that no client is told.
	Logger *slog.Logger
}

// API answers requests. Its methods are safe for concurrent use.
type API struct {
	o        Options
	requests conn.Requests
	answers  *prometheus.CounterVec
}

// New gives an API.
func New(o Options) *API {
	a := &API{
		o: o, requests: conn.Requests{BodyBytes: int64(o.RequestBytes), AtOnce: o.Requests, Timeout: o.Timeout},
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_mqtt_http_requests_total", Help: "Answered requests of the HTTP API, by status.",
		}, []string{"status"}),
	}
	if o.Registerer != nil {
		o.Registerer.MustRegister(a.answers)
		o.Registerer.MustRegister(a.requests.Gauges("mqtt_http", "the HTTP API of chat21")...)
	}
	return a
}

// Register adds everything below /api, and the pages that say who answers.
func (a *API) Register(mux *http.ServeMux) {
	mux.Handle("/api/", a)
	for path, words := range map[string]string{"/{$}": banner, "/api/{$}": banner, "/test": "ok"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { answer{http.StatusOK, text(words)}.write(w) })
	}
}

const banner = "Chat21 HTTP API, served by chatfleet"

// request is one that is allowed in.
type request struct {
	api *API
	id  chat21.Identity
	// app is the application of path and token, names the parts of the path that the route leaves open.
	app   string
	names []string
	// body is an empty object if there is none.
	body chat21.Fields
	// claims are those of the token.
	token string
}

// answer is what a request gets: a value as JSON or, if that is text, as it is.
type answer struct {
	status int
	body   any
}

// text is an answer that is no JSON.
type text string

// route is a path of the API below /api/APP/, in which * leaves a part open.
type route struct {
	method, path string
	serve        func(r *request, ctx context.Context) (answer, error)
}

var routes = []route{
	{"GET", "*/conversations", (*request).listConversations},
	{"GET", "*/archived_conversations", (*request).listArchived},
	{"GET", "*/conversations/archived", (*request).listArchived},
	{"GET", "*/conversations/*", (*request).getConversation},
	{"GET", "*/archived_conversations/*", (*request).getArchived},
	{"GET", "*/conversations/*/messages", (*request).listMessages},
	{"DELETE", "conversations/*", (*request).archiveConversation},
	{"POST", "messages", (*request).sendMessage},
	{"POST", "messages/sync", (*request).sendMessageSync},
	{"POST", "groups", (*request).createGroup},
	{"GET", "groups/*", (*request).getGroup},
	{"PUT", "groups/*", (*request).renameGroup},
	{"PUT", "groups/*/attributes", (*request).setAttributes},
	{"POST", "groups/*/members", (*request).addMember},
	{"PUT", "groups/*/members", (*request).setMembers},
	{"DELETE", "groups/*/members/*", (*request).removeMember},
	{"DELETE", "*/conversations/timelines", (*request).wipeConversations},
	{"DELETE", "*/messages/timelines", (*request).wipeMessages},
	{"POST", "*/instances/*", (*request).takeInstance},
	{"POST", "notify", (*request).notify},
	{"GET", "getInfo", (*request).getInfo},
	{"GET", "verify", (*request).verify},
}

// match gives the open parts of a path.
func (r route) match(method string, path []string) (names []string, ok bool) {
	parts := strings.Split(r.path, "/")
	if r.method != method || len(parts) != len(path) {
		return nil, false
	}
	for i, part := range parts {
		switch {
		case part == "*":
			names = append(names, path[i])
		case part != path[i]:
			return nil, false
		}
	}
	return names, true
}

var (
	unauthorized = answer{http.StatusForbidden, object{"success": false, "msg": "Unauthorized."}}
	otherApp     = answer{http.StatusUnauthorized, text("")}
	noRoute      = answer{http.StatusNotFound, object{"success": false, "err": "there is no such path"}}
	tooMany      = answer{http.StatusServiceUnavailable, object{"success": false, "err": "too many requests at once; try again"}}
	tooLarge     = answer{http.StatusBadRequest, object{"success": false, "err": "the body is too large"}}
	notJSON      = answer{http.StatusBadRequest, object{"success": false, "err": "the body is no JSON object"}}
	done         = answer{http.StatusOK, object{"success": true}}
)

// object is JSON.
type object = map[string]any

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Pages of any origin may call: what counts is the token, and cookies there are none.
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answered := a.answer(w, r)
	a.answers.WithLabelValues(strconv.Itoa(answered.status)).Inc()
	answered.write(w)
}

func (a answer) write(w http.ResponseWriter) {
	if plain, ok := a.body.(text); ok {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, string(plain)) // an error is a caller that has gone
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

// answer is given to whoever may ask; of others no body is read.
func (a *API) answer(w http.ResponseWriter, r *http.Request) (answered answer) {
	token := tokenIn(r)
	id, err := a.o.Timelines.Identify(token)
	if err != nil {
		return unauthorized
	}
	path, err := pathOf(r.URL)
	if err != nil || len(path) < 2 {
		return noRoute
	}
	if path[0] != id.App {
		return otherApp
	}
	for _, route := range routes {
		names, ok := route.match(r.Method, path[1:])
		if !ok {
			continue
		}
		q := &request{api: a, id: id, app: id.App, names: names, token: token, body: chat21.Fields{}}
		err := a.requests.Do(w, r, func(ctx context.Context, body []byte) (err error) {
			if len(body) > 0 && (json.Unmarshal(body, &q.body) != nil || q.body == nil) {
				return &refusal{notJSON}
			}
			answered, err = route.serve(q, ctx)
			return err
		})
		if err != nil {
			return a.failure(err)
		}
		return answered
	}
	return noRoute
}

// tokenIn is the token of a request.
func tokenIn(r *http.Request) string {
	if token := r.Header.Get("Authorization"); token != "" {
		return strings.TrimPrefix(token, "JWT ")
	}
	for _, name := range []string{"jwt", "JWT", "token"} {
		if token := r.URL.Query().Get(name); token != "" {
			return token
		}
	}
	return ""
}

// pathOf are the parts of a path below /api/.
func pathOf(u *url.URL) (parts []string, err error) {
	for part := range strings.SplitSeq(strings.Trim(strings.TrimPrefix(u.EscapedPath(), "/api"), "/"), "/") {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return nil, err
		}
		parts = append(parts, plain)
	}
	return parts, nil
}

// textOf is a field that is a text; empty if it is not there.
func textOf(f chat21.Fields, name string) string {
	var s string
	_ = json.Unmarshal(f[name], &s) // of another type: as if it were not there
	return s
}

// failure says in HTTP's words what chat answered.
func (a *API) failure(err error) answer {
	status := http.StatusInternalServerError
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.answer
	}
	var failed *chat.Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge
	case errors.Is(err, conn.ErrBody):
		return notJSON
	case errors.Is(err, conn.ErrBusy):
		return tooMany
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusServiceUnavailable
	case errors.As(err, &failed):
		status = map[chat.Kind]int{
			chat.Invalid: http.StatusBadRequest, chat.Denied: http.StatusUnauthorized, chat.NotFound: http.StatusNotFound,
			chat.TooMany: http.StatusTooManyRequests, chat.Limit: http.StatusMethodNotAllowed, chat.Conflict: http.StatusConflict,
			chat.Unavailable: http.StatusServiceUnavailable,
		}[failed.Kind]
		if status == 0 {
			status = http.StatusInternalServerError
		}
	}
	if status == http.StatusInternalServerError {
		a.o.Logger.Error("a request failed", "error", err)
		return answer{status, object{"success": false, "err": "internal error"}}
	}
	return answer{status, object{"success": false, "err": err.Error()}}
}

// refusal is an error that is answered so.
type refusal struct{ answer answer }

func (*refusal) Error() string { return "refused" }

// refuse405 refuses with a plain text, as fields that are missing are.
func refuse405(why string) error { return &refusal{answer{http.StatusMethodNotAllowed, text(why)}} }

// refuseErr refuses with what the original calls an error.
func refuseErr(err any) error {
	return &refusal{answer{http.StatusMethodNotAllowed, object{"err": err}}}
}

var errDenied = &refusal{answer{http.StatusUnauthorized, object{"success": false, "err": "Permission denied"}}}

// own is who asks.
func (r *request) own() chat.Actor { return chat.Actor{App: r.app, User: r.id.User} }

// server is the application's server, which tells of what the caller has done.
func (r *request) server() chat.Actor { return chat.Actor{App: r.app, User: r.id.User, Server: true} }

// actor is who asks: an administrator may do what the application's server may.
func (r *request) actor() chat.Actor {
	a := r.own()
	a.Server = r.id.Admin
	return a
}

// userOfPath is whoever the path names first: the caller, or anybody if the caller is an administrator.
func (r *request) userOfPath() (chat.Actor, error) {
	user := r.names[0]
	if user != r.id.User && !r.id.Admin || chat.CheckUser(user) != nil {
		return chat.Actor{}, &refusal{otherApp}
	}
	return chat.Actor{App: r.app, User: user}, nil
}

func result(value any) (answer, error) {
	return answer{http.StatusOK, object{"success": true, "result": value}}, nil
}
