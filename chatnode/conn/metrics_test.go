package conn

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsCountConnectionsBytesAndEnds(t *testing.T) {
	registry := prometheus.NewRegistry()
	n := startNode(t, Options{Registerer: registry}, nil)
	client, e := n.dial(nil, nil)
	_, stream := n.open("GET", "/sse", "")
	if err := client.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	next(t, e.frames, "message")
	e.conn.Write(WSText.Append(nil, []byte("hello")))
	m := n.metrics
	for name, pair := range map[string][2]float64{
		"websockets": {value(t, m.connections.WithLabelValues("websocket")), 1},
		"streams":    {value(t, m.connections.WithLabelValues("sse")), 1},
		"accepted":   {value(t, m.accepted.WithLabelValues("websocket")), 1},
		"received":   {value(t, m.received), 6 + 5},
		"sent":       {value(t, m.sent), 2 + 5},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	stream.conn.Close(3001, "")
	if err := client.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4777, "")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both counted", func() bool {
		return value(t, m.closed.WithLabelValues("server", "3001")) == 1 && value(t, m.closed.WithLabelValues("client", "other")) == 1
	})
	eventually(t, "none open", func() bool { return value(t, m.connections.WithLabelValues("websocket")) == 0 })
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "chatnode_conn_") {
			t.Errorf("metric %s", family.GetName())
		}
	}
}
