package centrifuge

import (
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// octetStream is the content type of Protobuf, in requests and responses.
const octetStream = "application/octet-stream"

// serveHTTPStream answers a POST, whose body is the first frame, with all that follows.
func (g *Gateway) serveHTTPStream(w http.ResponseWriter, r *http.Request) {
	if !onlyMethod(w, r, http.MethodPost) {
		return
	}
	first, err := g.options.Conns.ReadBody(w, r, g.limits.FrameBytes)
	if err != nil {
		g.log.Debug("no HTTP stream", "error", err)
		return
	}
	encoding, framing := protocol.JSON, conn.Lines
	if encodingOf(r) == protocol.Protobuf {
		encoding, framing = protocol.Protobuf, conn.LengthPrefixed
	}
	g.stream(w, r, encoding, framing, first)
}

// serveSSE answers a GET, whose query holds the first frame, with a stream of server-sent events.
func (g *Gateway) serveSSE(w http.ResponseWriter, r *http.Request) {
	if !onlyMethod(w, r, http.MethodGet) {
		return
	}
	g.stream(w, r, protocol.JSON, conn.SSE, []byte(r.URL.Query().Get("cf_connect")))
}

func (g *Gateway) stream(w http.ResponseWriter, r *http.Request, encoding protocol.Encoding, framing conn.Framing, first []byte) {
	err := g.options.Conns.AcceptStream(w, r, framing, first, func(c *conn.Conn) (conn.Handler, error) {
		s := g.open(c, encoding)
		g.remember(s)
		return s, nil
	})
	if err != nil {
		g.log.Debug("no stream", "framing", framing.String(), "error", err)
	}
}

// encodingOf is that of a request's body.
func encodingOf(r *http.Request) protocol.Encoding {
	if r.Header.Get("Content-Type") == octetStream {
		return protocol.Protobuf
	}
	return protocol.JSON
}

func onlyMethod(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	http.Error(w, "only "+method+" is answered", http.StatusMethodNotAllowed)
	return false
}
