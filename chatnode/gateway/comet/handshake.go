package comet

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// wish is what a browser says in the path of its request.
type wish struct {
	// key is a hash or a JSON Web Token.
	key string
	// user and tenant are 0 if they are not said.
	user   int64
	tenant int
	legacy bool
	uuid   string
}

// refusal is why a browser is sent away, by a code of the original.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

const (
	codeNoParameters = 401
	codeNoTenant     = 406
	codeNoVersion    = 418
)

// maxKey is the length of a key in bytes, maxUUID that of a browser's id, and maxTenant the greatest tenant.
const (
	maxKey    = 600
	maxUUID   = 64
	maxTenant = 1<<31 - 1
)

// undefined is what the JavaScript client says for what the page did not.
const undefined = "undefined"

// parsePath reads the path of a request for a WebSocket; ws is false if it is none.
func parsePath(uri string) (w wish, ws bool, err error) {
	path, _, _ := strings.Cut(uri, "?")
	path = strings.TrimLeft(path, "/")
	path = strings.TrimPrefix(path, "comet-server/")
	text, ws := strings.CutPrefix(path, "ws/")
	if !ws {
		return w, false, nil
	}
	parameters := map[string]string{}
	for i, part := range strings.Split(text, "&") {
		name, value, ok := strings.Cut(part, "=")
		if i == 0 && !ok {
			return w, true, &refusal{codeNoParameters, "Parameters are missing"}
		}
		if _, twice := parameters[name]; !twice {
			parameters[name] = value
		}
	}
	w, err = wishOf(parameters)
	return w, true, err
}

func wishOf(parameters map[string]string) (w wish, err error) {
	id, ok := parameters["myid"]
	if !ok {
		return w, &refusal{codeNoParameters, "Parameter myid is missing"}
	}
	if n, err := strconv.ParseInt(id, 10, 64); err == nil && n > 0 {
		w.user = n
	}
	tenant, ok := parameters["devid"]
	if !ok {
		return w, &refusal{codeNoTenant, "Parameter devid is missing"}
	}
	if n, err := strconv.Atoi(tenant); err == nil && n > 0 && n <= maxTenant {
		w.tenant = n
	}
	major, _, _ := strings.Cut(parameters["v"], ".")
	version, err := strconv.Atoi(major)
	if err != nil || version < 0 {
		return w, &refusal{codeNoVersion, "Parameter v is missing"}
	}
	w.legacy = version < 4
	if key := parameters["sesion"]; key != undefined && len(key) <= maxKey {
		w.key = key
	}
	if uuid := parameters["uuid"]; len(uuid) <= maxUUID && nameable(uuid) {
		w.uuid = uuid
	}
	return w, nil
}

// nameable says whether a text has only characters that names may have.
func nameable(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// subprotocols is what is answered to browsers that ask for one.
var subprotocols = []conn.Subprotocol{{Name: "chat", Framing: conn.WSText}}

// ServeHTTP answers everything on the browsers' port. It parses paths itself, since they are not such as a mux understands.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked, ws, err := parsePath(r.RequestURI)
	if !ws {
		g.servePlain(w, r)
		return
	}
	err = g.options.Conns.AcceptWebSocket(w, r, subprotocols, func(c *conn.Conn, _ string) (conn.Handler, error) {
		s := &session{gateway: g, conn: c, wish: asked, browser: browserOf(r, c, asked.uuid), encoder: encoder{dialect{asked.legacy}, g.metrics}}
		var refused *refusal
		if errors.As(err, &refused) {
			s.refuse(refused)
			return s, nil
		}
		return s, s.begin()
	})
	if err != nil {
		g.log.Debug("no WebSocket", "error", err)
	}
}

// servePlain answers what is no WebSocket: the little that load balancers and people look at.
func (g *Gateway) servePlain(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Headers", "*")
	header.Set("Access-Control-Allow-Methods", "GET, OPTIONS")
	path := "/" + strings.TrimPrefix(strings.TrimLeft(r.URL.Path, "/"), "comet-server/")
	switch {
	case r.Method == http.MethodOptions:
		_, _ = fmt.Fprint(w, "+OK")
	case r.Method == http.MethodGet && path == "/info":
		header.Set("Content-Type", "application/json")
		name := g.options.Name[:min(len(g.options.Name), nodeName)]
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok", "node": name + strings.Repeat("_", nodeName-len(name))})
	case r.Method == http.MethodGet && path == "/":
		header.Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintln(w, serverName)
	default:
		http.NotFound(w, r)
	}
}

// nodeName is the length of a node's name in /info.
const nodeName = 10
