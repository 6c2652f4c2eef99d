package push

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// requestWait bounds how long a request is read, writeWait how long an answer is written.
const requestWait, writeWait = 20 * time.Second, 30 * time.Second

// command is one that clients may give.
type command struct {
	// kind is the type of its answer, by shape.
	kind [2]string
	// needs are the parameters that must be there.
	needs []string
	do    func(g *Gateway, ctx context.Context, q request) (answer, error)
}

// both is the type of answers that is the same in both shapes.
func both(kind string) [2]string { return [2]string{kind, kind} }

var commands = map[string]command{
	"register":        {both("registered"), []string{userParam, passwordParam}, (*Gateway).register},
	"login":           {both("logged-in"), []string{userParam, passwordParam}, (*Gateway).login},
	"logout":          {both("logged-out"), []string{userParam, channelParam}, (*Gateway).logout},
	"send":            {both("message-accepted"), []string{userParam, channelParam, destParam}, (*Gateway).send},
	"isonline":        {[2]string{"online", "isonline"}, []string{userParam}, (*Gateway).isOnline},
	"savedmessages":   {both("saved-messages"), []string{userParam, channelParam}, (*Gateway).savedMessages},
	"setconf":         {both("saved-settings"), []string{userParam, channelParam}, (*Gateway).setConf},
	"getconf":         {both("settings"), []string{userParam, channelParam}, (*Gateway).getConf},
	"heartbeat":       {both("heartbeated"), []string{userParam, channelParam}, (*Gateway).heartbeat},
	"change_password": {both("changed-password"), []string{userParam, passwordParam, newPasswordParam}, (*Gateway).changePassword},
}

// command answers one.
func (g *Gateway) command(w http.ResponseWriter, r *http.Request, name string) {
	c, ok := commands[name]
	switch {
	case !ok && g.options.Shape == Haskell:
		g.refuse(w, unknown, http.StatusNotFound, unknownRequest)
		return
	case !ok:
		g.refuse(w, unknown, http.StatusBadRequest, unknownRequest)
		return
	}
	// What a client has asked for is done, also if it has gone meanwhile.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	err := g.requests.Do(w, r, func(ctx context.Context, body []byte) error {
		q := g.options.Shape.read(r.URL.RawQuery, string(body), r.Header.Get("Content-Type"))
		q.from = conn.ClientAddress(r, g.options.TrustedProxies)
		g.run(ctx, w, name, c, q)
		return nil
	})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		g.refuse(w, name, http.StatusRequestEntityTooLarge, tooLarge)
	case errors.Is(err, conn.ErrBody):
		g.refuse(w, name, http.StatusBadRequest, noBody)
	case errors.Is(err, conn.ErrBusy):
		g.metrics.refused.WithLabelValues(boundRequests).Inc()
		g.refuse(w, name, http.StatusInternalServerError, unreachable)
	}
}

// run does what is asked, and says in the protocol's words what came of it.
func (g *Gateway) run(ctx context.Context, w http.ResponseWriter, name string, c command, q request) {
	for _, param := range c.needs {
		if _, ok := q.params[param]; !ok {
			g.refuse(w, name, http.StatusBadRequest, g.options.Shape.missing(name))
			return
		}
	}
	if name == "send" && g.options.Shape == Haskell && g.options.Shape.message(q) == "" {
		g.refuse(w, name, http.StatusBadRequest, emptyMessage)
		return
	}
	a, err := c.do(g, ctx, q)
	if err != nil {
		a.verdict = g.fault(name, err)
	}
	g.metrics.answered(name, http.StatusOK, a.verdict)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encode(c.kind[g.options.Shape], a)) // an error is a client that has gone
}

// fault is what a client is told of something that is not its own.
func (g *Gateway) fault(command string, err error) verdict {
	var failed *chat.Error
	switch {
	case errors.Is(err, errHashing):
		g.metrics.refused.WithLabelValues(boundPasswords).Inc()
		return timedOut
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errConflict):
		return timedOut
	case errors.Is(err, backbone.ErrUnavailable), errors.Is(err, backbone.ErrClosed):
		return persistenceDown
	case errors.As(err, &failed):
		switch failed.Kind {
		case chat.Unavailable, chat.Conflict:
			return timedOut
		case chat.Denied:
			return notSender
		case chat.Internal:
		default:
			return notAccepted
		}
	}
	g.options.Logger.Error("a command of a cHaTTP client failed", "command", command, "error", err)
	return persistenceDown
}
