package heimdallr

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what must happen.
const patience = time.Minute

// node is the whole stack in one process, behind real listeners.
type node struct {
	backbone     *backbone.Backbone
	conns        *conn.Server
	chat         *chat.Service
	gateway      *Gateway
	health       *Health
	rooms, admin *httptest.Server
	registry     *prometheus.Registry
}

type setup struct {
	conns  conn.Options
	quotas chat.Quotas
	// sendBuffer, if it is not 0, is how much the server's sockets hold of what a client does not read.
	sendBuffer int
}

// startNode starts a node with an embedded log; change may alter what it is made of.
func startNode(t testing.TB, change func(*setup)) *node {
	t.Helper()
	n := &node{registry: prometheus.NewRegistry()}
	log := slog.New(slog.DiscardHandler)
	s := setup{conns: conn.Options{FrameBytes: 256 << 10, CloseTimeout: 10 * time.Second}}
	if change != nil {
		change(&s)
	}
	b, err := backbone.Open(t.Context(), backbone.Options{
		Name: "test", Prefix: "test", Shards: 2, Create: true, DataDir: t.TempDir(), Replicas: 1, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.backbone = b
	hub := fanout.New(b, fanout.Options{Logger: log})
	n.conns = conn.New(s.conns)
	n.chat, err = chat.New(chat.Options{
		Log: b, Tables: b, Signals: hub, ImplicitRooms: true, Quotas: func() chat.Quotas { return s.quotas },
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.health = NewHealth(l)
	n.health.Serve()
	n.gateway = New(Options{
		Conns: n.conns, Chat: n.chat, Hub: hub, App: "games", Health: n.health, Registerer: n.registry, Logger: log,
	})
	n.rooms = httptest.NewUnstartedServer(n.gateway.Rooms())
	n.rooms.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if s.sendBuffer > 0 {
			if err := c.(*net.TCPConn).SetWriteBuffer(s.sendBuffer); err != nil {
				t.Error(err)
			}
		}
		return ctx
	}
	n.rooms.Start()
	n.admin = httptest.NewServer(n.gateway.Admin())
	t.Cleanup(func() {
		n.conns.Close()
		n.gateway.Close()
		n.rooms.Close()
		n.admin.Close()
		n.health.Close()
		n.chat.Close()
		hub.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return n
}

// person is a client on a WebSocket.
type person struct {
	t  testing.TB
	ws *websocket.Conn
}

func (n *node) enter(t testing.TB, path string) *person {
	t.Helper()
	return n.enterThrough(t, path, &websocket.Dialer{HandshakeTimeout: patience})
}

func (n *node) enterThrough(t testing.TB, path string, dialer *websocket.Dialer) *person {
	t.Helper()
	ws, r, err := dialer.Dial("ws"+strings.TrimPrefix(n.rooms.URL, "http")+path, nil)
	if err != nil {
		t.Fatalf("no way in: %v %+v", err, r)
	}
	t.Cleanup(func() { _ = ws.Close() })
	if err := ws.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &person{t, ws}
}

func (p *person) say(text string) {
	p.t.Helper()
	if err := p.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) hear() string {
	p.t.Helper()
	kind, text, err := p.ws.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		p.t.Fatalf("heard %d %q, %v", kind, text, err)
	}
	return string(text)
}

// mustHear fails unless exactly that comes next.
func (p *person) mustHear(texts ...string) {
	p.t.Helper()
	for _, want := range texts {
		if got := p.hear(); got != want {
			p.t.Fatalf("heard %.100q, want %.100q", got, want)
		}
	}
}

// mustEnd fails unless the server closes the connection next, with that code.
func (p *person) mustEnd(code int) {
	p.t.Helper()
	_, text, err := p.ws.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != code {
		p.t.Fatalf("the connection goes on with %q, or ends with %v; want code %d", text, err, code)
	}
}

// speak has a native user say something in a room.
func (n *node) speak(t testing.TB, user, room string, c chat.Content) chat.Sent {
	t.Helper()
	sent, err := n.chat.Say(chat.Actor{App: "games", User: user}, room, c).Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// metric is the sum of a counter or gauge over the values of its labels, or of those with that value.
func (n *node) metric(t testing.TB, name string, value ...string) (sum float64) {
	t.Helper()
	families, err := n.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if len(value) > 0 && m.GetLabel()[0].GetValue() != value[0] {
				continue
			}
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !condition() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// ask gets a JSON answer of the admin port.
func (n *node) ask(t testing.TB, path string) map[string]any {
	t.Helper()
	status, body := get(t, n.admin.URL+path)
	answer := map[string]any{}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || !strings.HasSuffix(body, "}\r\n") {
		t.Fatalf("%s: %d %q %v", path, status, body, err)
	}
	return answer
}
