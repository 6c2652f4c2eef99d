package push

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"golang.org/x/crypto/bcrypt"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what must happen.
const patience = 2 * time.Minute

// node is the whole stack in one process, behind a real listener.
type node struct {
	gateway *Gateway
	chat    *chat.Service
	tables  *backbone.Backbone
	url     string
	metrics *prometheus.Registry
	here    map[string][]string // who is connected by another protocol
	client  *http.Client
}

// start gives a node with an embedded log, or on the NATS of that address.
func start(t testing.TB, natsURL string, change func(*Options)) *node {
	t.Helper()
	n := &node{metrics: prometheus.NewRegistry(), here: map[string][]string{}}
	log := slog.New(slog.DiscardHandler)
	b, err := backbone.Open(t.Context(), backbone.Options{
		Name: "test", Prefix: "test", Shards: 4, Create: true, DataDir: t.TempDir(), NATS: backbone.NATSOptions{URL: natsURL}, Replicas: 1, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.tables = b
	hub := fanout.New(b, fanout.Options{Logger: log})
	n.chat, err = chat.New(chat.Options{
		Log: b, Tables: b, Signals: hub, ImplicitRooms: true, Logger: log,
		Limits: chat.Limits{TextBytes: 16 << 10, DataBytes: 60 << 10},
		Here: func(ctx context.Context, app string, users []string) (map[string][]string, error) {
			all, err := n.gateway.Sessions(ctx, app, users)
			maps.Copy(all, n.here)
			return all, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{App: chat.DefaultApp, Chat: n.chat, Hub: hub, Tables: b, Log: b, Registerer: n.metrics, Logger: log, Timeout: time.Minute, HashCost: bcrypt.MinCost}
	if change != nil {
		change(&o)
	}
	if n.gateway, err = New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(n.gateway)
	n.url = server.URL
	n.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		n.gateway.Drain()
		n.client.CloseIdleConnections()
		server.Close()
		n.gateway.Close()
		n.chat.Close()
		hub.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// two gives two nodes of one fleet.
func two(t *testing.T) (*node, *node) {
	t.Helper()
	at := process.StartNATS(t, 1).URL()
	return start(t, at, nil), start(t, at, nil)
}

// reply is what a request was answered with.
type reply struct {
	status int
	header http.Header
	body   string
}

// do makes a request. Headers are name, value, ...
func (n *node) do(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, n.url+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	response, err := n.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(content)}, err
}

// call gives a command. Parameters are name, value, ...; a body comes after them if their number is odd.
func (n *node) call(t testing.TB, command string, params ...string) reply {
	t.Helper()
	body := ""
	if len(params)%2 == 1 {
		body, params = params[len(params)-1], params[:len(params)-1]
	}
	r, err := n.do(t.Context(), http.MethodPost, "/base/chattp_request/"+command+"?"+query(params...), body)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// query is made as JavaScript's encodeURIComponent does.
func query(params ...string) string {
	parts := make([]string, 0, len(params)/2)
	for i := 0; i < len(params); i += 2 {
		parts = append(parts, params[i]+"="+strings.ReplaceAll(url.QueryEscape(params[i+1]), "+", "%20"))
	}
	return strings.Join(parts, "&")
}

// want fails unless a command is answered so, with HTTP status 200.
func (n *node) want(t testing.TB, want, command string, params ...string) {
	t.Helper()
	r := n.call(t, command, params...)
	if r.status != http.StatusOK || r.body != want+"\n" || r.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s %q: %d %s %q, want %q", command, params, r.status, r.header.Get("Content-Type"), r.body, want)
	}
}

// join registers users whose password is pw, if they aren't there.
func (n *node) join(t testing.TB, users ...string) {
	t.Helper()
	for _, user := range users {
		n.want(t, `{"status":true,"error":"","error-code":0,"type":"registered"}`, "register", "user_name", user, "password", "pw")
	}
}

// login gives the channel of a new session.
func (n *node) login(t testing.TB, user string) string {
	t.Helper()
	r := n.call(t, "login", "user_name", user, "password", "pw")
	var a struct {
		Status    bool   `json:"status"`
		ChannelID string `json:"channel_id"`
	}
	if err := json.Unmarshal([]byte(r.body), &a); err != nil || !a.Status || len(a.ChannelID) != 64 {
		t.Fatalf("%q %v", r.body, err)
	}
	want := `{"status":true,"error":"","error-code":0,"channel_id":"` + a.ChannelID + `","type":"logged-in"}` + "\n"
	if r.body != want {
		t.Fatalf("%q, want %q", r.body, want)
	}
	return a.ChannelID
}

const accepted = `{"status":true,"error":"","error-code":0,"type":"message-accepted"}`

// send lets a user write to another.
func (n *node) send(t testing.TB, from, channel, to, text string) {
	t.Helper()
	n.want(t, accepted, "send", "user_name", from, "channel_id", channel, "dest_user", to, text)
}

// natively lets a user write to another as a client of another protocol does.
func (n *node) natively(t testing.TB, from, to, text string) {
	t.Helper()
	_, err := n.chat.Send(t.Context(), chat.Actor{App: chat.DefaultApp, User: from}, &chatv1.SendRequest{
		Id: uuid.Must(uuid.NewV7()).String(), Room: chat.Direct(from, to), Text: &text,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// received is a message that was pushed.
type received struct {
	Ignore    bool   `json:"ignore"`
	Message   string `json:"message"`
	From      string `json:"from"`
	To        string `json:"to"`
	Timestamp string `json:"timestamp"`
}

// listener is a client that receives: it gives back the headers of the message before.
type listener struct {
	channel, modified, tag string
}

// poll asks a node once.
func (l *listener) poll(ctx context.Context, n *node) (m received, r reply, err error) {
	r, err = n.do(ctx, http.MethodGet, "/base/sub?channel_id="+l.channel, "", "If-Modified-Since", l.modified, "If-None-Match", l.tag)
	if err != nil || r.status != http.StatusOK {
		return m, r, err
	}
	l.modified, l.tag = r.header.Get("Last-Modified"), r.header.Get("Etag")
	if l.modified == "" || l.tag == "" {
		return m, r, fmt.Errorf("no position in %v", r.header)
	}
	return m, r, json.Unmarshal([]byte(r.body), &m)
}

// next gives the next message that is not to be ignored.
func (l *listener) next(t testing.TB, n *node) received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		m, r, err := l.poll(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		if r.status != http.StatusOK && r.status != http.StatusNotModified {
			t.Fatalf("%d %q", r.status, r.body)
		}
		if r.status == http.StatusOK && !m.Ignore {
			return m
		}
	}
}

// newServer gives the address of another gateway's listener.
func newServer(t testing.TB, g *Gateway) string {
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server.URL
}
