package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long tests wait for what must happen.
const patience = time.Minute

func await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// token asks a node for a development token.
func token(t testing.TB, node *process.Chatnode, user string, ttl time.Duration) string {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	response, err := http.Get(fmt.Sprintf("%s/dev/token?user=%s&ttl=%d", node.URL(), url.QueryEscape(user), int(ttl.Seconds())))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	var answer struct{ Token string }
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.Token == "" {
		t.Fatalf("token: %v, %s", err, body)
	}
	return answer.Token
}

// texts collects what a subscription is told.
type texts struct {
	mu   sync.Mutex
	all  []string
	came chan struct{}
}

func (x *texts) options() SubscribeOptions {
	x.came = make(chan struct{}, 1<<16)
	return SubscribeOptions{OnPublication: func(p *protocol.Publication) {
		var event struct{ Text string }
		_ = json.Unmarshal(p.Data, &event) // shows as an empty text
		x.mu.Lock()
		x.all = append(x.all, event.Text)
		x.mu.Unlock()
		x.came <- struct{}{}
	}}
}

func TestAClientDoesEverythingOnce(t *testing.T) {
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev"}})
	for _, encoding := range []protocol.Encoding{protocol.JSON, protocol.Protobuf} {
		t.Run(encoding.String(), func(t *testing.T) {
			ctx, room := t.Context(), "room:"+encoding.String()
			c, err := Dial(ctx, node.URL(), Options{Token: token(t, node, "ann", time.Hour), Encoding: encoding})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var heard texts
			o := heard.options()
			joined := make(chan *protocol.ClientInfo, 4)
			o.JoinLeave, o.OnJoin = true, func(info *protocol.ClientInfo) { joined <- info }
			sub, err := c.Subscribe(ctx, room, o)
			if err != nil {
				t.Fatal(err)
			}
			if info := await(t, joined, "join"); info.Client != c.Connected().Client {
				t.Errorf("joined: %+v", info)
			}
			sent, err := c.Send(ctx, room, uuid.NewString(), "sent")
			if err != nil || sent.Offset == 0 {
				t.Fatalf("%+v, %v", sent, err)
			}
			if err := c.Publish(ctx, room, []byte(`{"text":"published"}`)); err != nil {
				t.Fatal(err)
			}
			await(t, heard.came, "message")
			await(t, heard.came, "message")
			if !slices.Equal(heard.all, []string{"sent", "published"}) {
				t.Errorf("%q", heard.all)
			}
			page, err := c.History(ctx, protocol.HistoryRequest{Channel: room, Limit: 10})
			if err != nil || len(page.Publications) != 2 || page.Publications[0].Offset != sent.Offset {
				t.Errorf("%+v, %v", page, err)
			}
			if at := sub.Position(); at.Epoch != page.Epoch || at.Offset != page.Offset {
				t.Errorf("position %+v, the channel's is %d", at, page.Offset)
			}
			here, err := c.Presence(ctx, room)
			if err != nil || len(here) != 1 {
				t.Errorf("%+v, %v", here, err)
			}
			if result, err := c.Refresh(ctx, token(t, node, "ann", time.Hour)); err != nil || !result.Expires {
				t.Errorf("%+v, %v", result, err)
			}
			if _, err := c.RPC(ctx, "none", nil); !errors.Is(err, protocol.ErrorMethodNotFound) {
				t.Errorf("%v", err)
			}
			if err := sub.Unsubscribe(ctx); err != nil {
				t.Error(err)
			}
			if stats, err := c.PresenceStats(ctx, room); err != nil || stats.NumClients != 0 {
				t.Errorf("%+v, %v", stats, err)
			}
		})
	}
}

func TestAClientOutlivesItsNode(t *testing.T) {
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev"}})
	ctx := t.Context()
	disconnected := make(chan error, 64)
	c, err := Dial(ctx, node.URL(), Options{
		Token: token(t, node, "ann", time.Hour), Reconnect: true, OnDisconnect: func(err error) { disconnected <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var heard texts
	renewed := make(chan *protocol.SubscribeResult, 8)
	o := heard.options()
	o.OnSubscribed = func(result *protocol.SubscribeResult) { renewed <- result }
	if _, err := c.Subscribe(ctx, "room:a", o); err != nil {
		t.Fatal(err)
	}
	await(t, renewed, "result")
	if _, err := c.Send(ctx, "room:a", uuid.NewString(), "before"); err != nil {
		t.Fatal(err)
	}
	node.Kill()
	if err := await(t, disconnected, "disconnect"); err == nil {
		t.Error("disconnected without a reason")
	}
	if err := c.Ping(ctx); !errors.Is(err, ErrDisconnected) {
		t.Errorf("%v", err)
	}
	node.Start()
	if result := await(t, renewed, "second result"); !result.WasRecovering || !result.Recovered {
		t.Errorf("%+v", result)
	}
	if _, err := c.Send(ctx, "room:a", uuid.NewString(), "after"); err != nil {
		t.Fatal(err)
	}
	await(t, heard.came, "message")
	await(t, heard.came, "message")
	if !slices.Equal(heard.all, []string{"before", "after"}) {
		t.Errorf("%q", heard.all)
	}
}

func TestAClientStaysAwayWhenItIsTold(t *testing.T) {
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev"}})
	var told protocol.Disconnect
	if _, err := Dial(t.Context(), node.URL(), Options{Token: "forged"}); !errors.As(err, &told) || told.Code != 3500 {
		t.Errorf("%v", err)
	}
	c, err := Dial(t.Context(), node.URL(), Options{Token: token(t, node, "ann", time.Hour), Reconnect: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Refresh(t.Context(), token(t, node, "bob", time.Hour)); !errors.Is(err, ErrDisconnected) {
		t.Errorf("%v", err)
	}
	await(t, c.Done(), "end")
	if !errors.As(c.Err(), &told) || told.Code != 3500 {
		t.Errorf("%v", c.Err())
	}
	if err := c.Ping(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestAnExpiredTokenIsReplaced(t *testing.T) {
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev"}})
	old := token(t, node, "ann", 10*time.Second) // enough for a busy machine to connect with it
	connected := make(chan *protocol.ConnectResult, 8)
	asked := make(chan struct{}, 8)
	c, err := Dial(t.Context(), node.URL(), Options{
		Token: old, Reconnect: true, OnConnect: func(result *protocol.ConnectResult) { connected <- result },
		GetToken: func(context.Context) (string, error) {
			asked <- struct{}{}
			return token(t, node, "ann", time.Hour), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if result := await(t, connected, "connection"); !result.Expires || result.TTL > 60 {
		t.Errorf("%+v", result)
	}
	await(t, asked, "request for a token")
	if result := await(t, connected, "second connection"); result.TTL < 3000 {
		t.Errorf("%+v", result)
	}
}
