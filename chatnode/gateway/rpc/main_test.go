package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/chat/methods"
	"github.com/chatfleet/chatfleet/chatnode/conn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const shopKey = "shop-0123456789abcdef0123456789abcdef"

// domain answers two methods as it is told, and remembers what it was asked.
type domain struct {
	methods.Chat
	sent *chatv1.Sent
	err  error
	hang atomic.Bool // until the request ends

	mu      sync.Mutex
	actor   chat.Actor
	request proto.Message
}

func (d *domain) asked(ctx context.Context, a chat.Actor, q proto.Message) error {
	d.mu.Lock()
	d.actor, d.request = a, q
	d.mu.Unlock()
	if d.hang.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	return d.err
}

func (d *domain) last() (chat.Actor, proto.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.actor, d.request
}

func (d *domain) Send(ctx context.Context, a chat.Actor, q *chatv1.SendRequest) (*chatv1.Sent, error) {
	return d.sent, d.asked(ctx, a, q)
}

func (d *domain) GetRoom(ctx context.Context, a chat.Actor, q *chatv1.GetRoomRequest) (*chatv1.Room, error) {
	return &chatv1.Room{Room: q.GetRoom(), Kind: chatv1.RoomKind_ROOM_KIND_GROUP}, d.asked(ctx, a, q)
}

// bench is a gateway on a server, before a domain.
type bench struct {
	*domain
	url      string
	signer   *auth.Development
	refused  map[string]error // by user
	registry *prometheus.Registry
	log      *bytes.Buffer
}

func start(t *testing.T, change func(o *Options)) *bench {
	t.Helper()
	b := &bench{domain: &domain{sent: &chatv1.Sent{}}, refused: map[string]error{}, registry: prometheus.NewPedanticRegistry(), log: &bytes.Buffer{}}
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("shop "+shopKey), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if b.signer, err = auth.NewDevelopment(auth.DevelopmentOptions{DataDir: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	tokens, err := auth.New(t.Context(), auth.Options{HMACSecret: b.signer.Secret(), ServerKeysFile: keys, Registerer: b.registry})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	conns := conn.New(conn.Options{Origins: []string{"https://app.example.com"}, Registerer: b.registry})
	t.Cleanup(conns.Close)
	admit := func(_, user string, _ time.Time) error { return b.refused[user] }
	o := Options{Chat: b.domain, Tokens: tokens, Admit: admit, Conns: conns, Registerer: b.registry, Logger: slog.New(slog.NewTextHandler(b.log, nil))}
	if change != nil {
		change(&o)
	}
	mux := http.NewServeMux()
	New(o).Register(mux)
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

func (b *bench) token(t *testing.T, user string, admin bool) string {
	t.Helper()
	sign := b.signer.Token
	if admin {
		sign = b.signer.AdminToken
	}
	token, err := sign(user, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// answer is what an HTTP request was answered with.
type answer struct {
	status int
	header http.Header
	body   string
}

// failed is the error in an answer.
type failed struct {
	Code    string
	Message string
	Details []struct {
		Type  string
		Debug struct{ Reason string }
	}
}

func (a answer) failed(t *testing.T) (f failed, reason string) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &f); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	if len(f.Details) == 1 && f.Details[0].Type == "chatfleet.chat.v1.Refusal" {
		reason = f.Details[0].Debug.Reason
	}
	return f, reason
}

// post calls a method by HTTP and JSON. Headers are name, value, ...
func (b *bench) post(t *testing.T, method, body string, headers ...string) answer {
	t.Helper()
	return b.do(t, http.MethodPost, "/chatfleet.chat.v1.ChatService/"+method, body, append([]string{"Content-Type", "application/json"}, headers...)...)
}

func (b *bench) do(t *testing.T, verb, path, body string, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), verb, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header[http.CanonicalHeaderKey(headers[i])] = append(r.Header[http.CanonicalHeaderKey(headers[i])], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(content)}
}

// counted is how often a method was answered with a code.
func (b *bench) counted(t *testing.T, method, code string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if l := m.GetLabel(); family.GetName() == "chatnode_rpc_requests_total" && l[1].GetValue() == method && l[0].GetValue() == code {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
