package centrifuge

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

func TestMain(m *testing.M) {
	// Tests in parallel do nothing but wait for timers.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// patience is how long tests wait for what must happen.
const patience = time.Minute

var secret = []byte("a secret of the tests, 32 bytes or more")

// node is the whole stack in one process, behind a real listener.
type node struct {
	t          testing.TB
	backbone   *backbone.Backbone
	hub        *fanout.Hub
	conns      *conn.Server
	gateway    *Gateway
	everywhere *people.Everywhere
	http       *httptest.Server
	registry   *prometheus.Registry
}

type setup struct {
	natsURL string
	options Options
	conns   conn.Options
	chat    chat.Limits
	quotas  chat.Quotas
	// newHub makes the hub, if it is not nil.
	newHub func(*backbone.Backbone) *fanout.Hub
	// here is called, if it is not nil, before the nodes are asked who is connected.
	here func()
	// sendBuffer, if it is not 0, is how much the server's sockets hold of what a client does not read.
	sendBuffer int
}

// startNode starts a node with an embedded log; change may alter what it is made of.
func startNode(t testing.TB, change func(*setup)) *node {
	t.Helper()
	n := &node{t: t, registry: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := setup{chat: chat.DefaultLimits, options: Options{Version: "test", Anonymous: true}}
	s.chat.MessagesPerSecond = 0
	// A machine that is busy with other things fails no test: what is about a limit sets its own.
	s.options.Limits = Limits{
		CommandsPerSecond: 1e6, CommandBurst: 1e6,
		ConnectTimeout: patience, PongTimeout: patience, SendTimeout: patience, RequestTimeout: patience,
	}
	s.conns = conn.Options{FrameBytes: 256 << 10, CloseTimeout: 10 * time.Second}
	if change != nil {
		change(&s)
	}
	b, err := backbone.Open(t.Context(), backbone.Options{
		Name: "test", Prefix: "test", Shards: 2, Create: true, DataDir: t.TempDir(), NATS: backbone.NATSOptions{URL: s.natsURL},
		Replicas: 1, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.backbone = b
	if s.newHub == nil {
		s.newHub = func(b *backbone.Backbone) *fanout.Hub { return fanout.New(b, fanout.Options{Logger: log}) }
	}
	n.hub = s.newHub(b)
	n.conns = conn.New(s.conns)
	tokens, err := auth.New(context.Background(), auth.Options{HMACSecret: secret})
	if err != nil {
		t.Fatal(err)
	}
	if n.everywhere, err = people.NewEverywhere(b, nil); err != nil {
		t.Fatal(err)
	}
	o := s.options
	o.Conns, o.Hub, o.Log, o.Tokens = n.conns, n.hub, b, tokens
	o.Chat, err = chat.New(chat.Options{
		Log: b, Tables: b, Signals: n.hub, OpenChannels: []string{"open*"}, ImplicitRooms: true, Limits: s.chat,
		Quotas: func() chat.Quotas { return s.quotas },
		Here: func(ctx context.Context, app string, users []string) (map[string][]string, error) {
			if s.here != nil {
				s.here()
			}
			return n.everywhere.Devices(ctx, app, users)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Registerer, o.Logger = n.registry, log
	if n.gateway, err = New(o); err != nil {
		t.Fatal(err)
	}
	n.everywhere.Add(n.gateway.Devices)
	mux := http.NewServeMux()
	n.gateway.Register(mux)
	n.http = httptest.NewUnstartedServer(mux)
	n.http.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if s.sendBuffer > 0 {
			if err := c.(*net.TCPConn).SetWriteBuffer(s.sendBuffer); err != nil {
				t.Error(err)
			}
		}
		return ctx
	}
	n.http.Start()
	t.Cleanup(func() {
		n.conns.Close()
		n.gateway.Close()
		n.http.Close()
		o.Chat.Close()
		n.hub.Close()
		tokens.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

type testLog struct{ testing.TB }

func (l testLog) Write(p []byte) (int, error) { l.Logf("%s", p); return len(p), nil }

// sign makes a token of the claims.
func sign(t testing.TB, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: secret}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tokenOf is a connection token of a user.
func tokenOf(t testing.TB, user string) string { return sign(t, map[string]any{"sub": user}) }

func raw(t testing.TB, v any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// metric reads a counter or gauge with these label values; 0 if it is not there.
func (n *node) metric(name string, labels ...string) float64 {
	families, err := n.registry.Gather()
	if err != nil {
		n.t.Fatal(err)
	}
	total := 0.0
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
	metrics:
		for _, m := range family.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
				}
				if !found {
					continue metrics
				}
			}
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return total
}

// eventually waits for a condition that nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !holds(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
