package pull

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stack is everything behind the gateways: a log, a hub and the chat service.
type stack struct {
	log      *backbone.Backbone
	hub      *fanout.Hub
	chat     *chat.Service
	registry *prometheus.Registry
}

type quiet struct{ testing.TB }

func (l quiet) Write(p []byte) (int, error) { l.Logf("%s", p); return len(p), nil }

func startStack(t testing.TB) *stack {
	t.Helper()
	log := slog.New(slog.NewTextHandler(quiet{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	b, err := backbone.Open(t.Context(), backbone.Options{Name: "test", Prefix: "test", Shards: 2, Create: true, DataDir: t.TempDir(), Replicas: 1, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	s := &stack{log: b, hub: fanout.New(b, fanout.Options{Logger: log}), registry: prometheus.NewPedanticRegistry()}
	s.chat, err = chat.New(chat.Options{Log: b, Tables: b, Signals: s.hub, ImplicitRooms: true, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.chat.Close()
		s.hub.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// client speaks to one gateway.
type client struct {
	url     string
	gateway *Gateway
	http    *http.Client
}

// serve puts a gateway before the stack.
func (s *stack) serve(t testing.TB, dialect Dialect, change ...func(*Options)) *client {
	t.Helper()
	o := Options{Chat: s.chat, Log: s.log, Hub: s.hub, App: chat.DefaultApp, Dialect: dialect, Timeout: time.Minute, Logger: slog.New(slog.NewTextHandler(quiet{t}, nil))}
	for _, c := range change {
		c(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		g.Close()
	})
	return &client{server.URL, g, &http.Client{Transport: transport}}
}

// answer is what a request was answered with.
type answer struct {
	status int
	kind   string
	body   string
	header http.Header
}

// do makes a request. A body that begins with a brace has the type of JSON.
func (c *client) do(t testing.TB, method, path, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Content-Type"), string(content), response.Header}
}

// say sends a message.
func (c *client) say(t testing.TB, chat, sender, text string) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"chat": chat, "sender": sender, "text": text})
	if err != nil {
		t.Fatal(err)
	}
	if a := c.do(t, "POST", "/api/send", string(body)); a.status != c.gateway.manner.sent {
		t.Fatalf("send %s to %s: %d %s", text, chat, a.status, a.body)
	}
}

// shownPage is a page as clients read it.
type shownPage struct {
	Messages []struct {
		Chat, Text, Sender string
		SendTime           int64 `json:"send_time"`
	}
	HasMore    bool  `json:"has_more"`
	NextCursor int64 `json:"next_cursor"`
}

func (p *shownPage) texts() (all []string) {
	for _, m := range p.Messages {
		all = append(all, m.Text)
	}
	return all
}

// fetch pulls a page.
func (c *client) fetch(t testing.TB, chat string, cursor int64, limit int, reverse bool) (p shownPage) {
	t.Helper()
	path := fmt.Sprintf("/api/pull?chat=%s&cursor=%d&limit=%d&reverse=%v", url.QueryEscape(chat), cursor, limit, reverse)
	a := c.do(t, "GET", path, "")
	if a.status != 200 || json.Unmarshal([]byte(a.body), &p) != nil {
		t.Fatalf("pull %s: %d %s", path, a.status, a.body)
	}
	return p
}

// native calls the chat service as a user does.
func (s *stack) native(t testing.TB, user, room, text string) *chatv1.Sent {
	t.Helper()
	sent, err := s.chat.Send(context.Background(), chat.Actor{App: chat.DefaultApp, User: user},
		&chatv1.SendRequest{Id: fmt.Sprint(user, text, t.Name())[:min(64, len(user+text+t.Name()))], Room: room, Text: &text})
	if err != nil {
		t.Fatal(err)
	}
	return sent
}
