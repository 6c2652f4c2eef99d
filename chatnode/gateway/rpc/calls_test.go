package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

// clients speak each of the protocols.
func clients(t *testing.T, b *bench) map[string]chatv1connect.ChatServiceClient {
	t.Helper()
	one := &http.Transport{}
	two := &http.Transport{Protocols: new(http.Protocols)}
	two.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(one.CloseIdleConnections)
	t.Cleanup(two.CloseIdleConnections)
	key := connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("Authorization", "Bearer "+shopKey)
			return next(ctx, r)
		}
	}))
	client := func(transport http.RoundTripper, options ...connect.ClientOption) chatv1connect.ChatServiceClient {
		return chatv1connect.NewChatServiceClient(&http.Client{Transport: transport}, b.url, append(options, key)...)
	}
	return map[string]chatv1connect.ChatServiceClient{
		"Connect":                   client(one),
		"Connect, Protobuf's JSON":  client(one, connect.WithProtoJSON()),
		"Connect on HTTP/2":         client(two),
		"Connect, compressed":       client(one, connect.WithSendGzip()),
		"gRPC":                      client(two, connect.WithGRPC()),
		"gRPC-Web":                  client(one, connect.WithGRPCWeb()),
		"gRPC-Web, Protobuf's JSON": client(one, connect.WithGRPCWeb(), connect.WithProtoJSON()),
	}
}

func TestEveryProtocolCarriesRequestsRepliesAndErrors(t *testing.T) {
	b := start(t, nil)
	b.sent = &chatv1.Sent{Id: "1", Offset: 1<<64 - 1, Time: 1 << 60}
	q := &chatv1.SendRequest{
		Id: "1", Room: "room:a", Text: proto.String(strings.Repeat("é", 5000)), Data: structpb.NewBoolValue(true), Mentions: []string{"ann"}, Thread: 1 << 63,
	}
	for name, client := range clients(t, b) {
		t.Run(name, func(t *testing.T) {
			b.err = nil
			reply, err := client.Send(t.Context(), q)
			if err != nil || !proto.Equal(reply, b.sent) {
				t.Fatalf("%v, %v", reply, err)
			}
			if _, request := b.last(); !proto.Equal(request, q) {
				t.Errorf("the domain was asked %v", request)
			}
			b.err = &chat.Error{Kind: chat.Denied, Message: "ann is no member of room:a"}
			_, err = client.Send(t.Context(), q)
			var failed *connect.Error
			if !errors.As(err, &failed) || failed.Code() != connect.CodePermissionDenied || failed.Message() != "ann is no member of room:a" {
				t.Fatalf("%v", err)
			}
			if detail, err := failed.Details()[0].Value(); err != nil || detail.(*chatv1.Refusal).GetReason() != "denied" {
				t.Errorf("detail %v, %v", detail, err)
			}
		})
	}
}

func TestJSONOfTheWireIsThatOfTheVocabulary(t *testing.T) {
	b := start(t, nil)
	b.sent = &chatv1.Sent{Id: "1", Offset: 7, Time: 1 << 60}
	key := []string{"Authorization", "Bearer " + shopKey}
	a := b.post(t, "Send", `{"room":"room:a","reply_to":"x","thread":5,"color":"red"}`, key...)
	if want := `{"id":"1","offset":7,"time":1152921504606846976}`; a.status != 200 || a.body != want {
		t.Errorf("%d %s, want %s", a.status, a.body, want)
	}
	if _, request := b.last(); !proto.Equal(request, &chatv1.SendRequest{Room: "room:a", ReplyTo: "x", Thread: 5}) {
		t.Errorf("the domain was asked %v", request)
	}
	if a = b.post(t, "GetRoom", `{"room":"room:a"}`, key...); a.body != `{"room":"room:a","kind":"group"}` {
		t.Errorf("%s", a.body)
	}
	if a.header.Get("Content-Type") != "application/json" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", a.header)
	}
}

func TestEachKindOfFailureHasACodeAndAReasonOfItsOwn(t *testing.T) {
	b := start(t, nil)
	codes := map[string]chat.Kind{}
	for kind := chat.Internal; kind <= chat.Unavailable; kind++ {
		b.err = fmt.Errorf("ask: %w", &chat.Error{Kind: kind, Message: fmt.Sprintf("words %d", kind)})
		f, reason := b.post(t, "Send", `{}`, "Authorization", "Bearer "+shopKey).failed(t)
		if _, twice := codes[f.Code]; twice || f.Code == "unknown" || reason == "" || f.Message != fmt.Sprintf("words %d", kind) {
			t.Errorf("kind %d: %+v", kind, f)
		}
		codes[f.Code] = kind
	}
	if b.log.Reset(); len(codes) != len(answers) {
		t.Errorf("%d codes, %d kinds", len(codes), len(answers))
	}
	b.err = errors.New("secret path /etc/x")
	a := b.post(t, "Send", `{}`, "Authorization", "Bearer "+shopKey)
	if f, reason := a.failed(t); a.status != 500 || f.Code != "internal" || reason != "internal" || strings.Contains(a.body, "secret") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(b.log.String(), "secret path") {
		t.Errorf("not logged: %s", b.log)
	}
}

func TestRequestsThatCannotBeReadSayWhy(t *testing.T) {
	b := start(t, func(o *Options) { o.RequestBytes = 200 })
	service, key := "/chatfleet.chat.v1.ChatService/", "Bearer "+shopKey
	for name, c := range map[string]struct {
		verb, path, kind, body string
		status                 int
		code, words            string
	}{
		"a wrong field":     {"POST", "Send", "application/json", `{"room":7}`, 400, "invalid_argument", "room must be a string"},
		"no JSON":           {"POST", "Send", "application/json", `{`, 400, "invalid_argument", "the request must be JSON in UTF-8"},
		"an empty body":     {"POST", "Send", "application/json", ``, 400, "invalid_argument", "the request must be JSON in UTF-8"},
		"too large":         {"POST", "Send", "application/json", `{"room":"` + strings.Repeat("a", 200) + `"}`, 429, "resource_exhausted", "200"},
		"another type":      {"POST", "Send", "text/plain", `{}`, 400, "invalid_argument", "Content-Type: application/json"},
		"a form":            {"POST", "Send", "application/x-www-form-urlencoded", `{}`, 400, "invalid_argument", "Content-Type: application/json"},
		"not a POST":        {"GET", "Send", "", ``, 400, "invalid_argument", "a call is a POST"},
		"an unknown method": {"POST", "Fly", "application/json", `{}`, 501, "unimplemented", "there is no method at " + service + "Fly; /openapi.json lists what there is"},
		"a deeper path":     {"POST", "x/Send", "application/json", `{}`, 501, "unimplemented", "there is no method"},
	} {
		t.Run(name, func(t *testing.T) {
			a := b.do(t, c.verb, service+c.path, c.body, "Content-Type", c.kind, "Authorization", key)
			f, _ := a.failed(t)
			if a.status != c.status || f.Code != c.code || !strings.Contains(f.Message, c.words) {
				t.Errorf("%d %s, want %d %s %q", a.status, a.body, c.status, c.code, c.words)
			}
		})
	}
	if n := b.counted(t, "unknown", "unimplemented"); n != 2 {
		t.Errorf("%v unknown methods counted", n)
	}
	if n := b.counted(t, "Send", unread); n != 4 {
		t.Errorf("%v requests counted that could not be read", n)
	}
}

func TestCallsEndInTime(t *testing.T) {
	b := start(t, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	b.hang.Store(true)
	a := b.post(t, "Send", `{}`, "Authorization", "Bearer "+shopKey)
	if f, reason := a.failed(t); a.status != 503 || f.Code != "unavailable" || reason != "unavailable" {
		t.Errorf("%d %s", a.status, a.body)
	}
	b = start(t, func(o *Options) { o.Timeout = time.Hour })
	b.hang.Store(true)
	a = b.post(t, "Send", `{}`, "Authorization", "Bearer "+shopKey, "Connect-Timeout-Ms", "50")
	if f, _ := a.failed(t); f.Code != "unavailable" && f.Code != "deadline_exceeded" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestOnlySoManyCallsAreAnsweredAtOnce(t *testing.T) {
	b := start(t, func(o *Options) { o.Requests, o.Timeout = 1, time.Hour })
	b.hang.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	client := clients(t, b)["Connect"]
	go func() {
		defer close(ended)
		_, _ = client.Send(ctx, &chatv1.SendRequest{})
	}()
	wait.For(t, time.Minute, "the first call to be answered", func(context.Context) error {
		if _, q := b.last(); q == nil {
			return errors.New("not asked yet")
		}
		return nil
	})
	a := b.post(t, "GetRoom", `{}`, "Authorization", "Bearer "+shopKey)
	if f, reason := a.failed(t); a.status != 429 || f.Code != "resource_exhausted" || reason != "too_many" {
		t.Errorf("%d %s", a.status, a.body)
	}
	cancel()
	<-ended
	b.hang.Store(false)
	wait.For(t, time.Minute, "room for another", func(context.Context) error {
		if a := b.post(t, "GetRoom", `{}`, "Authorization", "Bearer "+shopKey); a.status != http.StatusOK {
			return errors.New(a.body)
		}
		return nil
	})
}

func TestPagesOfAllowedOriginsMayCall(t *testing.T) {
	b := start(t, nil)
	path := "/chatfleet.chat.v1.ChatService/GetRoom"
	a := b.do(t, "OPTIONS", path, "", "Origin", "https://app.example.com", "Access-Control-Request-Headers", "authorization")
	if allowed := a.header.Get("Access-Control-Allow-Headers"); a.status != 204 || !strings.Contains(allowed, "Authorization") ||
		!strings.Contains(allowed, "Content-Type") || a.header.Get("Access-Control-Allow-Origin") != "https://app.example.com" {
		t.Errorf("%d %v", a.status, a.header)
	}
	user := "Bearer " + b.token(t, "ann", false)
	a = b.post(t, "GetRoom", `{}`, "Origin", "https://app.example.com", "Authorization", user)
	if a.status != 200 || a.header.Get("Access-Control-Allow-Origin") == "" || a.header.Get("Access-Control-Expose-Headers") == "" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a = b.post(t, "GetRoom", `{}`, "Origin", "https://evil.example", "Authorization", user); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestDescriptionIsServed(t *testing.T) {
	b := start(t, nil)
	a := b.do(t, "GET", "/openapi.json", "")
	if a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.body != string(chatv1.OpenAPI) {
		t.Errorf("%d %v, %d bytes", a.status, a.header, len(a.body))
	}
}
