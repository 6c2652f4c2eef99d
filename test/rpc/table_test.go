package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/chat/chattest"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/process"
)

// The one table of who may call what, over the API and over the socket, on a real node.
func TestWhoMayCallWhichMethodOverTheAPIAndTheSocket(t *testing.T) {
	n := startFree(t)
	socket := sockets{node: n, clients: map[string]*client.Client{}}
	t.Cleanup(socket.close)
	for name, way := range map[string]struct {
		user    chattest.Caller
		servers bool
	}{
		"with tokens over the API": {n.api, true},
		"over the socket":          {socket.call, false},
	} {
		t.Run(name, func(t *testing.T) {
			work, ctx := errgroup.WithContext(t.Context())
			work.SetLimit(8)
			cases := chattest.Cases(way.servers)
			for i := range cases {
				work.Go(func() error {
					if err := cases[i].Run(ctx, n.server, way.user); err != nil {
						t.Error(err)
					}
					return nil
				})
			}
			if err := work.Wait(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d cases", len(cases))
		})
	}
}

// free is a node that bounds nobody's rates.
type free struct {
	url    string
	key    string
	tokens *auth.Development
	http   *http.Client
}

func startFree(t *testing.T) *free {
	n := &free{key: "table-0123456789abcdef0123456789abcdef", http: &http.Client{Timeout: time.Minute}}
	keys, secret := filepath.Join(t.TempDir(), "server-keys"), []byte(strings.Repeat("secret of tokens", 2))
	if err := os.WriteFile(keys, []byte("default "+n.key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hmac := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(hmac, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if n.tokens, err = auth.NewDevelopment(auth.DevelopmentOptions{Secret: secret}); err != nil {
		t.Fatal(err)
	}
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{
		"--server-keys-file", keys, "--jwt-hmac-secret-file", hmac, "--messages-per-second=0", "--commands-per-second=100000",
	}})
	n.url = node.URL()
	t.Cleanup(n.http.CloseIdleConnections)
	return n
}

// server calls as the application's server, or as its server for a user.
func (n *free) server(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
	return n.post(ctx, n.key, user, method, request)
}

// api calls with the user's own token.
func (n *free) api(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
	token, err := n.tokens.Token(user, time.Hour)
	if err != nil {
		return nil, err
	}
	return n.post(ctx, token, "", method, request)
}

func (n *free) post(ctx context.Context, bearer, user, method string, request proto.Message) (proto.Message, error) {
	body, err := chatjson.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/chatfleet.chat.v1.ChatService/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("Chatfleet-User", user)
	}
	answer, err := n.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	switch {
	case err != nil:
		return nil, err
	case answer.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%w: %s", chattest.ErrDenied, text)
	case answer.StatusCode == http.StatusBadRequest:
		return nil, fmt.Errorf("%w: %s", chattest.ErrInvalid, text)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: %s", answer.Status, text)
	}
	return readReply(method, text)
}

// readReply reads what a method answers.
func readReply(method string, text []byte) (proto.Message, error) {
	methods := chatv1.File_api_chat_v1_chat_proto.Services().ByName("ChatService").Methods()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(methods.ByName(protoreflect.Name(method)).Output().FullName())
	if err != nil {
		return nil, err
	}
	reply := kind.New().Interface()
	return reply, chatjson.Unmarshal(text, reply)
}

// sockets call as users over a connection of each.
type sockets struct {
	node    *free
	mu      sync.Mutex
	clients map[string]*client.Client
}

var capital = regexp.MustCompile(`(.)([A-Z])`)

func (s *sockets) call(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
	c, err := s.of(ctx, user)
	if err != nil {
		return nil, err
	}
	body, err := chatjson.Marshal(request)
	if err != nil {
		return nil, err
	}
	text, err := c.RPC(ctx, "chat."+strings.ToLower(capital.ReplaceAllString(method, "${1}_$2")), body)
	var refused *protocol.Error
	switch {
	case errors.As(err, &refused) && refused.Code == protocol.ErrorPermissionDenied.Code:
		return nil, fmt.Errorf("%w: %w", chattest.ErrDenied, err)
	case errors.As(err, &refused) && refused.Code == protocol.ErrorBadRequest.Code:
		return nil, fmt.Errorf("%w: %w", chattest.ErrInvalid, err)
	case err != nil:
		return nil, err
	}
	return readReply(method, text)
}

func (s *sockets) of(ctx context.Context, user string) (*client.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[user]; c != nil {
		return c, nil
	}
	token, err := s.node.tokens.Token(user, time.Hour)
	if err != nil {
		return nil, err
	}
	c, err := client.Dial(ctx, s.node.url, client.Options{Token: token, Reconnect: true})
	if err == nil {
		s.clients[user] = c
	}
	return c, err
}

func (s *sockets) close() {
	for _, c := range s.clients {
		c.Close()
	}
}
