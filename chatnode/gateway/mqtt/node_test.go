package mqtt

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

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

// tokenKey is that of chat21's own tests.
var tokenKey = []byte("tokenKey")

// node is the whole stack in one process, behind real listeners.
type node struct {
	t        testing.TB
	backbone *backbone.Backbone
	hub      *fanout.Hub
	chat     *chat.Service
	conns    *conn.Server
	gateway  *Gateway
	http     *httptest.Server
	tcp      net.Listener
	registry *prometheus.Registry
}

type setup struct {
	natsURL string
	limits  Limits
	conns   conn.Options
	chat    chat.Limits
	// webhook has the gateway record what a webhook is told besides rooms.
	webhook bool
}

// startNode starts a node with an embedded log; change may alter what it is made of.
func startNode(t testing.TB, change func(*setup)) *node {
	t.Helper()
	n := &node{t: t, registry: prometheus.NewRegistry()}
	log := slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s := setup{chat: chat.DefaultLimits, conns: conn.Options{CloseTimeout: 10 * time.Second}}
	s.chat.MessagesPerSecond = 0
	// A machine that is busy with other things fails no test: what is about a limit sets its own.
	s.limits = Limits{LoginTimeout: patience, PacketTimeout: patience, RequestTimeout: patience, SendTimeout: patience}
	if change != nil {
		change(&s)
	}
	var err error
	n.backbone, err = backbone.Open(t.Context(), backbone.Options{
		Name: "test", Prefix: "test", Shards: 2, Create: true, DataDir: t.TempDir(), NATS: backbone.NATSOptions{URL: s.natsURL},
		Replicas: 1, Logger: log,
	})
	must(t, err)
	n.hub = fanout.New(n.backbone, fanout.Options{Logger: log})
	n.conns = conn.New(s.conns)
	tokens, err := auth.New(context.Background(), auth.Options{HMACSecret: tokenKey, ShortSecret: true})
	must(t, err)
	everywhere, err := people.NewEverywhere(n.backbone, nil)
	must(t, err)
	n.chat, err = chat.New(chat.Options{
		Log: n.backbone, Tables: n.backbone, Signals: n.hub, ImplicitRooms: true, Limits: s.chat, Here: everywhere.Devices, Logger: log,
	})
	must(t, err)
	n.gateway = New(Options{
		Conns: n.conns, Chat: n.chat, Hub: n.hub, Log: n.backbone, Tokens: tokens, Version: "test", Limits: s.limits, Webhook: s.webhook,
		Registerer: n.registry, Logger: log,
	})
	everywhere.Add(n.gateway.Devices)
	mux := http.NewServeMux()
	n.gateway.Register(mux)
	n.http = httptest.NewServer(mux)
	n.tcp, err = net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	served := make(chan error, 1)
	go func() { served <- n.gateway.ServeTCP(n.tcp) }()
	t.Cleanup(func() {
		must(t, n.tcp.Close())
		must(t, <-served)
		n.conns.Close()
		n.gateway.Close()
		n.http.Close()
		n.chat.Close()
		n.hub.Close()
		tokens.Close()
		must(t, n.backbone.Close())
	})
	return n
}

type testLog struct{ testing.TB }

func (l testLog) Write(p []byte) (int, error) { l.Logf("%s", p); return len(p), nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// signWith makes a token of the claims. The key is shorter than signers allow.
func signWith(t testing.TB, key []byte, claims object) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	must(t, err)
	e := base64.RawURLEncoding
	text := e.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + e.EncodeToString(payload)
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text))
	return text + "." + e.EncodeToString(mac.Sum(nil))
}

// claimsOf are those of the tokens that chat21's tests have.
func claimsOf(app, user string) object {
	below := "apps." + app + "."
	return object{
		"sub": user, "app_id": app, "aud": []string{"rabbitmq", user}, "client_id": user, "cid": user, "azp": user, "user_id": user,
		"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "jti": "1", "tiledesk_api_roles": "user",
		"scope": []string{
			"rabbitmq.read:*/*/" + below + "users." + user + ".*",
			"rabbitmq.write:*/*/" + below + "users." + user + ".*",
			"rabbitmq.write:*/*/" + below + "outgoing.users." + user + ".*",
			"rabbitmq.configure:*/*/*",
		},
	}
}

func tokenOf(t testing.TB, user string) string {
	return signWith(t, tokenKey, claimsOf("tilechat", user))
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
