package comet

import (
	"errors"
	"flag"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

func TestMain(m *testing.M) {
	// Tests in parallel do nothing but wait.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long tests wait for what must happen.
const patience = time.Minute

const password = "CometQLPassword"

// node is the whole stack in one process, behind real listeners.
type node struct {
	t        testing.TB
	backbone *backbone.Backbone
	hub      *fanout.Hub
	chat     *chat.Service
	conns    *conn.Server
	gateway  *Gateway
	http     *httptest.Server
	sql      string // the address for backends
	registry *prometheus.Registry
}

type setup struct {
	natsURL string
	dataDir string
	options Options
	chat    chat.Options
	conns   conn.Options
}

// startNode starts a node, with an embedded log unless it is told of a server; change may alter what it is made of.
func startNode(t testing.TB, change func(*setup)) *node {
	t.Helper()
	n := &node{t: t, registry: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := setup{
		dataDir: t.TempDir(),
		options: Options{Password: func() []byte { return []byte(password) }, Name: "node", RequestTimeout: patience, SQL: mysql.Options{
			HandshakeTimeout: patience, PacketTimeout: patience, QueryTimeout: patience, WriteTimeout: patience,
		}},
		conns: conn.Options{CloseTimeout: 10 * time.Second, Abrupt: true, Origins: []string{"*"}},
		chat:  chat.Options{ImplicitRooms: true, Limits: chat.DefaultLimits},
	}
	s.chat.Limits.MessagesPerSecond = 0
	if change != nil {
		change(&s)
	}
	b, err := backbone.Open(t.Context(), backbone.Options{
		Name: "test", Prefix: "test", Shards: 2, Create: true, DataDir: s.dataDir, NATS: backbone.NATSOptions{URL: s.natsURL}, Replicas: 1, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.backbone, n.hub, n.conns = b, fanout.New(b, fanout.Options{Logger: log}), conn.New(s.conns)
	s.chat.Log, s.chat.Tables, s.chat.Signals, s.chat.Logger = b, b, n.hub, log
	everywhere, err := people.NewEverywhere(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.chat.Here = everywhere.Devices
	if n.chat, err = chat.New(s.chat); err != nil {
		t.Fatal(err)
	}
	o := s.options
	o.Conns, o.Chat, o.Hub, o.Log, o.Tables, o.Registerer, o.Logger = n.conns, n.chat, n.hub, b, b, n.registry, log
	if n.gateway, err = New(o); err != nil {
		t.Fatal(err)
	}
	everywhere.Add(n.gateway.Devices)
	n.http = httptest.NewServer(n.gateway)
	backends, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.sql = backends.Addr().String()
	served := make(chan error, 1)
	go func() { served <- n.gateway.SQL().Serve(backends) }()
	t.Cleanup(func() {
		_ = backends.Close()
		if err := <-served; !errors.Is(err, net.ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
		n.conns.Close()
		n.http.Close()
		n.gateway.Close()
		n.chat.Close()
		n.hub.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

type testLog struct{ testing.TB }

func (l testLog) Write(p []byte) (int, error) { l.Logf("%s", p); return len(p), nil }

// query carries a statement out as a backend of tenant 0.
func (n *node) query(sql string, args ...string) (*mysql.Result, error) {
	b := &backend{gateway: n.gateway}
	return b.Query(n.t.Context(), sql, args)
}

// must is query for what can't fail.
func (n *node) must(sql string, args ...string) *mysql.Result {
	n.t.Helper()
	r, err := n.query(sql, args...)
	if err != nil {
		n.t.Fatalf("%s: %v", sql, err)
	}
	return r
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("%s has not happened", what)
		}
		<-tick.C
	}
}
