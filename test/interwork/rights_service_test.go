package interwork

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatjson"
	"github.com/chatfleet/chatfleet/chatnode/chat/chattest"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// asServer calls as the application's server, or as its server for a user.
func (n *node) asServer(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
	return n.post(ctx, serverKey, user, method, request)
}

// overAPI calls with the user's own token.
func (n *node) overAPI(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
	token, err := n.tokens.Token(user, time.Hour)
	if err != nil {
		return nil, err
	}
	return n.post(ctx, token, "", method, request)
}

func (n *node) post(ctx context.Context, bearer, user, method string, request proto.Message) (proto.Message, error) {
	body, err := chatjson.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL()+"/chatfleet.chat.v1.ChatService/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("Chatfleet-User", user)
	}
	answer, err := web.Do(r)
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
	reply, err := emptyReply(method)
	if err != nil {
		return nil, err
	}
	return reply, chatjson.Unmarshal(text, reply)
}

// emptyReply is what a method answers, without anything in it.
func emptyReply(method string) (proto.Message, error) {
	methods := chatv1.File_api_chat_v1_chat_proto.Services().ByName("ChatService").Methods()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(methods.ByName(protoreflect.Name(method)).Output().FullName())
	if err != nil {
		return nil, err
	}
	return kind.New().Interface(), nil
}

// sockets call as users over a connection of each.
type sockets struct {
	node    *node
	mu      sync.Mutex
	clients map[string]*client.Client
}

func (s *sockets) call(ctx context.Context, user, method string, request proto.Message) (proto.Message, error) {
	c, err := s.of(ctx, user)
	if err != nil {
		return nil, err
	}
	reply, err := emptyReply(method)
	if err != nil {
		return nil, err
	}
	err = call(ctx, c, method, request, reply)
	var refused *protocol.Error
	switch {
	case errors.As(err, &refused) && refused.Code == protocol.ErrorPermissionDenied.Code:
		err = fmt.Errorf("%w: %w", chattest.ErrDenied, err)
	case errors.As(err, &refused) && refused.Code == protocol.ErrorBadRequest.Code:
		err = fmt.Errorf("%w: %w", chattest.ErrInvalid, err)
	}
	return reply, err
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
	c, err := client.Dial(ctx, s.node.URL(), client.Options{Token: token, Reconnect: true})
	if err == nil {
		s.clients[user] = c
		s.node.t.Cleanup(c.Close)
	}
	return c, err
}
