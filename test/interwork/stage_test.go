package interwork

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/api/chat/v1/chatv1connect"
	"github.com/chatfleet/chatfleet/test/wait"
)

// stage is what one cell of a table is tried on: a node, and names that no other cell knows. They are numbers, which all protocols can say.
type stage struct {
	*node
	t   *testing.T
	ctx context.Context
	// room is a name without its prefix, ann and bob are users.
	room, ann, bob string
}

var names atomic.Int64

func fresh() string { return strconv.FormatInt(1000+names.Add(1), 10) }

// on gives a stage on the node for one test.
func (n *node) on(t *testing.T) *stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	own := *n
	own.t = t
	return &stage{node: &own, t: t, ctx: ctx, room: fresh(), ann: fresh(), bob: fresh()}
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// eventually waits until the condition gives nil.
func (s *stage) eventually(what string, condition func(ctx context.Context) error) {
	s.t.Helper()
	wait.For(s.t, patience, what, condition)
}

func (s *stage) channel() string { return "room:" + s.room }

// direct is the channel of ann and bob, whose names have the same length.
func (s *stage) direct() string { return "dm:" + min(s.ann, s.bob) + "," + max(s.ann, s.bob) }

// makeRoom makes the stage's room a group, of which ann is the owner and bob a member.
func (s *stage) makeRoom() {
	s.t.Helper()
	_, err := s.serverFor(s.ann).CreateRoom(s.ctx, &chatv1.CreateRoomRequest{Room: s.channel(), Members: []string{s.bob}})
	s.must(err)
	_, err = s.server.SetRole(s.ctx, &chatv1.SetRoleRequest{Room: s.channel(), User: s.ann, Role: chatv1.Role_ROLE_OWNER})
	s.must(err)
}

// serverFor is the application's server when it acts for a user, or for nobody.
func (n *node) serverFor(user string) chatv1connect.ChatServiceClient {
	show := connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
			r.Header().Set("Authorization", "Bearer "+serverKey)
			if user != "" {
				r.Header().Set("Chatfleet-User", user)
			}
			return next(ctx, r)
		}
	})
	return chatv1connect.NewChatServiceClient(web, n.URL(), connect.WithProtoJSON(), connect.WithInterceptors(show))
}

// stored gives the messages of a channel as they are now, without those that are deleted and those of who joins a group.
func (n *node) stored(ctx context.Context, channel string) (messages []*chatv1.Message, err error) {
	page, err := n.server.Messages(ctx, &chatv1.MessagesRequest{Room: channel, Limit: 200})
	for _, m := range page.GetMessages() {
		if len(mine([]string{m.GetText()})) > 0 {
			messages = append(messages, m)
		}
	}
	return messages, err
}

// wantStored waits until exactly these texts are in a channel, and gives the messages.
func (s *stage) wantStored(channel string, texts ...string) (messages []*chatv1.Message) {
	s.t.Helper()
	s.eventually("what is said to be stored", func(ctx context.Context) (err error) {
		if messages, err = s.stored(ctx, channel); err != nil {
			return err
		}
		return same(textsIn(messages), texts)
	})
	return messages
}

func textsIn(messages []*chatv1.Message) (texts []string) {
	for _, m := range messages {
		texts = append(texts, m.GetText())
	}
	return texts
}

func same(got, want []string) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%q instead of %q", got, want)
	}
	return nil
}

// wantHeard waits until somebody has heard exactly these texts, in this order.
func (s *stage) wantHeard(hears func(ctx context.Context) ([]string, error), texts ...string) {
	s.t.Helper()
	s.eventually("what is said to be heard", func(ctx context.Context) error {
		got, err := hears(ctx)
		if err != nil {
			return err
		}
		return same(mine(got), texts)
	})
}

// heard collects what somebody hears.
type heard[T any] struct {
	mu    sync.Mutex
	every []T
}

func (h *heard[T]) add(one T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.every = append(h.every, one)
}

func (h *heard[T]) all(context.Context) ([]T, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.every), nil
}

// await waits until something is heard that is right, and gives the first such.
func (h *heard[T]) await(t *testing.T, what string, right func(T) bool) (found T) {
	t.Helper()
	wait.For(t, patience, what, func(ctx context.Context) error {
		all, _ := h.all(ctx)
		i := slices.IndexFunc(all, right)
		if i < 0 {
			return fmt.Errorf("heard only %v", all)
		}
		found = all[i]
		return nil
	})
	return found
}

func text(words string) *string { return proto.String(words) }
