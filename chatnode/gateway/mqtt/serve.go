package mqtt

import (
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// subprotocols are those that MQTT clients offer. Packets are binary; pieces of them may come in any frames.
var subprotocols = []conn.Subprotocol{{Name: "mqtt", Framing: conn.WSBinary}, {Name: "mqttv3.1", Framing: conn.WSBinary}}

// Register adds /ws, under both names that deployments give it, and the HTTP API.
func (g *Gateway) Register(mux *http.ServeMux) {
	for _, path := range []string{"/ws", "/mqws/ws"} {
		mux.HandleFunc(path, g.serveWebSocket)
	}
	g.api.Register(mux)
}

func (g *Gateway) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	// Why a handshake fails is answered and counted where it is.
	_ = g.options.Conns.AcceptWebSocket(w, r, subprotocols, func(c *conn.Conn, subprotocol string) (conn.Handler, error) {
		if subprotocol == "" {
			return nil, &conn.CloseError{Code: 1002, Reason: "offer the subprotocol mqtt"}
		}
		return g.open(c), nil
	})
}
