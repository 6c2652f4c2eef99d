package heimdallr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// joinWait bounds how long a client waits to be let into its room.
const joinWait = 10 * time.Second

// Answers that clients of heimdallr know.
const (
	noResource = "The requested resource could not be found."
	onlyGet    = "HTTP method not allowed, supported methods: GET"
	noUpgrade  = "Expected WebSocket Upgrade request"
)

// serveRoom lets a client into a room. It is there before the client knows that the connection is open, so that it misses nothing.
func (g *Gateway) serveRoom(w http.ResponseWriter, r *http.Request) {
	room, ok := roomOf(r.URL.Path)
	switch {
	case !ok:
		answer(w, http.StatusNotFound, noResource)
		return
	case r.Method != http.MethodGet:
		refuseMethod(w)
		return
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		answer(w, http.StatusBadRequest, noUpgrade)
		return
	case g.failover.Load() != nil:
		g.refuse(w, "failover", "this node is leaving")
		return
	}
	s := g.newSession(room, hostOf(r))
	if !g.reserve() {
		g.refuse(w, "connections", "too many connections")
		return
	}
	if err := g.join(r.Context(), s); err != nil {
		g.release()
		g.refuseJoin(w, err)
		return
	}
	opened := false
	err := g.options.Conns.AcceptWebSocket(w, r, nil, func(c *conn.Conn, _ string) (conn.Handler, error) {
		opened = true
		s.conn = c
		g.enter(s)
		s.place.Start()
		return s, nil
	})
	switch {
	case opened:
		s.ready.Store(true)
		if g.failover.Load() != nil { // it began meanwhile, and perhaps passed this one by
			s.end(codeGoingAway, "failover")
		}
	default:
		s.place.Close()
		g.release()
		g.log.Debug("no WebSocket", "error", err)
	}
}

// join takes the session's place in its room. Nothing flows before its Start.
func (g *Gateway) join(ctx context.Context, s *session) error {
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	access, err := g.options.Chat.Access(ctx, s.actor, channelOf(s.room), chat.Subscribe)
	if err != nil {
		return err
	}
	s.place, _, err = g.options.Hub.Subscribe(ctx, access.Feed, fanout.Request{}, s)
	return err
}

// refuseJoin says why there is no way into a room.
func (g *Gateway) refuseJoin(w http.ResponseWriter, err error) {
	var failed *chat.Error
	if errors.As(err, &failed) && (failed.Kind == chat.NotFound || failed.Kind == chat.Denied) {
		g.metrics.refused.WithLabelValues("room").Inc()
		answer(w, http.StatusNotFound, failed.Message)
		return
	}
	g.log.Warn("a client of heimdallr could not join", "error", err)
	g.refuse(w, "unavailable", "the room is not available at the moment")
}

// refuse sends a client away that may come again.
func (g *Gateway) refuse(w http.ResponseWriter, label, reason string) {
	g.metrics.refused.WithLabelValues(label).Inc()
	w.Header().Set("Retry-After", "1")
	answer(w, http.StatusServiceUnavailable, reason)
}

func refuseMethod(w http.ResponseWriter) {
	w.Header().Set("Allow", http.MethodGet)
	answer(w, http.StatusMethodNotAllowed, onlyGet)
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // an error is a client that has gone
}

// hostOf is this node's address, as whoever sends the request reaches it.
func hostOf(r *http.Request) netip.Addr {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	at, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}
