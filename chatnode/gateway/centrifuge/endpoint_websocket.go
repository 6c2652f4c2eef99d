package centrifuge

import (
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// subprotocolProtobuf asks for Protobuf; without it a connection speaks JSON.
const subprotocolProtobuf = "centrifuge-protobuf"

var subprotocols = []conn.Subprotocol{
	{Name: subprotocolProtobuf, Framing: conn.WSBinary},
	{Name: "centrifuge-json", Framing: conn.WSText},
}

func (g *Gateway) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	err := g.options.Conns.AcceptWebSocket(w, r, subprotocols, func(c *conn.Conn, subprotocol string) (conn.Handler, error) {
		encoding := protocol.JSON
		if subprotocol == subprotocolProtobuf {
			encoding = protocol.Protobuf
		}
		return g.open(c, encoding), nil
	})
	if err != nil {
		g.log.Debug("no WebSocket", "error", err)
	}
}
