package interwork

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/wait"
)

// each is how many messages a sender says.
const each = 5

// said is what a message says whose sender is of a protocol; mine finds such texts among others, as of those who join.
func said(protocol string, i int) string { return fmt.Sprintf("from %s %d", protocol, i) }

func mine(texts []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return !strings.HasPrefix(text, "from ") })
}

// heard collects what somebody hears.
type heard struct {
	mu    sync.Mutex
	texts []string
}

func (h *heard) add(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, text)
}

func (h *heard) all(context.Context) ([]string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.texts), nil
}

// publication takes what a native client hears.
func (h *heard) publication(p *protocol.Publication) {
	var event struct{ Type, Text string }
	if json.Unmarshal(p.Data, &event) == nil && event.Type == "message" {
		h.add(event.Text)
	}
}

// listen hands every line of text that comes from a WebSocket to take, until the test ends.
func listen(t *testing.T, url string, take func(line string), first ...string) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = ws.Close()
		<-done
	})
	for _, message := range first {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		defer close(done)
		for {
			_, message, err := ws.ReadMessage()
			if err != nil {
				return
			}
			for line := range strings.Lines(string(message)) {
				take(strings.TrimSuffix(line, "\n"))
			}
		}
	}()
	return ws
}

// sendAll has all senders say what they have to at the same time, each one message after the other.
func sendAll(ctx context.Context, t *testing.T, senders map[string]func(ctx context.Context, text string) error) {
	t.Helper()
	sending, ctx := errgroup.WithContext(ctx)
	for protocol, send := range senders {
		sending.Go(func() error {
			for i := range each {
				if err := send(ctx, said(protocol, i)); err != nil {
					return fmt.Errorf("%s: %w", protocol, err)
				}
			}
			return nil
		})
	}
	if err := sending.Wait(); err != nil {
		t.Fatal(err)
	}
}

// agree waits until all hear the same: so many messages, none twice, and those of each sender in order.
func agree(t *testing.T, senders int, hearers map[string]func(ctx context.Context) ([]string, error)) {
	t.Helper()
	order := map[string][]string{}
	wait.For(t, patience, "all to hear everything", func(ctx context.Context) error {
		for protocol, hears := range hearers {
			texts, err := hears(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", protocol, err)
			}
			if order[protocol] = mine(texts); len(order[protocol]) < senders*each {
				return fmt.Errorf("%s hears only %q", protocol, order[protocol])
			}
		}
		return nil
	})
	want := order["native"]
	next := map[string]int{}
	for _, text := range want {
		sender := text[:strings.LastIndexByte(text, ' ')]
		if text != fmt.Sprint(sender, " ", next[sender]) {
			t.Fatalf("%q is not the next one of its sender in %q", text, want)
		}
		next[sender]++
	}
	for protocol, got := range order {
		if !slices.Equal(got, want) {
			t.Errorf("%s hears %q, and a native client %q", protocol, got, want)
		}
	}
}

// pulled reads a chat of distributed-chat from its beginning.
func (n *node) pulled(chat string) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		q := map[string]any{"chat": chat, "cursor": 0, "limit": 1000}
		body, _, err := request(ctx, http.MethodGet, "http://"+n.pull+"/api/pull", q)
		if err != nil {
			return nil, err
		}
		var page struct{ Messages []struct{ Text string } }
		err = json.Unmarshal([]byte(body), &page)
		return textsOf(page.Messages), err
	}
}

func textsOf(messages []struct{ Text string }) (texts []string) {
	for _, m := range messages {
		texts = append(texts, m.Text)
	}
	return texts
}

// timeline reads a conversation over the API of chat21, whose newest message comes first.
func (n *node) timeline(user, with string) func(ctx context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		body, err := n.api(ctx, user, http.MethodGet, "/"+user+"/conversations/"+with+"/messages", nil)
		if err != nil {
			return nil, err
		}
		var page struct{ Result []struct{ Text string } }
		err = json.Unmarshal([]byte(body), &page)
		texts := textsOf(page.Result)
		slices.Reverse(texts)
		return texts, err
	}
}

func (n *node) pullSend(chat, sender string) func(ctx context.Context, text string) error {
	return func(ctx context.Context, text string) error {
		_, _, err := request(ctx, http.MethodPost, "http://"+n.pull+"/api/send", map[string]any{"chat": chat, "sender": sender, "text": text})
		return err
	}
}

func (n *node) apiSend(user, to, kind string) func(ctx context.Context, text string) error {
	return func(ctx context.Context, text string) error {
		_, err := n.api(ctx, user, http.MethodPost, "/messages", map[string]any{
			"sender_fullname": user, "recipient_id": to, "recipient_fullname": to, "text": text, "channel_type": kind,
		})
		return err
	}
}

func nativeSend(c *client.Client, room string) func(ctx context.Context, text string) error {
	return func(ctx context.Context, text string) error {
		_, err := c.Send(ctx, room, uuid.Must(uuid.NewV7()).String(), text)
		return err
	}
}

func TestWhatAnyProtocolSaysInARoomIsHeardOnEveryOtherOnceAndInOneOrder(t *testing.T) {
	n := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	group := map[string]any{"group_id": "700", "group_name": "Seven hundred", "group_members": map[string]int{"ann": 1, "bob": 1, "7": 1}}
	if _, err := n.api(ctx, "ann", http.MethodPost, "/groups", group); err != nil {
		t.Fatal(err)
	}
	if err := n.sql(ctx, "insert into users_auth (id, hash) values (7, 'hash7')"); err != nil {
		t.Fatal(err)
	}

	native, browser, page := &heard{}, &heard{}, &heard{}
	bob := n.native(ctx, "bob")
	if _, err := bob.Subscribe(ctx, "room:700", client.SubscribeOptions{OnPublication: native.publication}); err != nil {
		t.Fatal(err)
	}
	subscribed := make(chan struct{})
	url := "ws://" + n.browsers + "/ws/sesion=hash7&myid=7&devid=0&v=4.08&uuid=" + strings.Repeat("u", 32) + "&api=js"
	listen(t, url, func(line string) {
		var message struct {
			Pipe string
			Data json.RawMessage
		}
		var text string
		switch err := json.Unmarshal([]byte(line), &message); {
		case err == nil && message.Pipe == "_answer_user_status":
			close(subscribed) // commands are answered in order
		case err == nil && message.Pipe == "700" && json.Unmarshal(message.Data, &text) == nil:
			browser.add(text)
		}
	}, "subscription\n700", "user_status\n7")
	select {
	case <-subscribed:
	case <-ctx.Done():
		t.Fatal("the browser is not subscribed")
	}
	room := listen(t, "ws://"+n.heimdallr+"/700", page.add)

	sendAll(ctx, t, map[string]func(ctx context.Context, text string) error{
		"native": nativeSend(bob, "room:700"),
		"heimdallr": func(_ context.Context, text string) error {
			return room.WriteMessage(websocket.TextMessage, []byte(text))
		},
		"comet": func(ctx context.Context, text string) error {
			return n.sql(ctx, "insert into pipes_messages (name, event, message) values ('700', 'said', '"+text+"')")
		},
		"pull":   n.pullSend("700", "carl"),
		"chat21": n.apiSend("ann", "700", "group"),
	})
	agree(t, 5, map[string]func(ctx context.Context) ([]string, error){
		"native": native.all, "heimdallr": page.all, "comet": browser.all, "pull": n.pulled("700"), "chat21": n.timeline("ann", "700"),
	})
}

func TestADirectConversationIsOneOnAllProtocolsThatHaveSome(t *testing.T) {
	n := start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	channels := map[string]string{}
	for _, user := range []string{"ann", "bob"} { // before they are seen on other protocols
		wait.For(t, patience, user+" to log in", func(context.Context) (err error) { // on a busy machine a password may take too long
			_, refused := n.chattp(ctx, "register", "user_name="+user, "password=pw")
			if channels[user], err = n.chattp(ctx, "login", "user_name="+user, "password=pw"); err != nil {
				err = errors.Join(refused, err)
			}
			return err
		})
	}
	native, polled := &heard{}, &heard{}
	ann, bob := n.native(ctx, "ann"), n.native(ctx, "bob")
	if _, err := bob.Subscribe(ctx, "dm:ann,bob", client.SubscribeOptions{OnPublication: native.publication}); err != nil {
		t.Fatal(err)
	}
	polling, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.poll(polling, channels["bob"], polled) }()
	defer func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()

	sendAll(ctx, t, map[string]func(ctx context.Context, text string) error{
		"native": nativeSend(ann, "dm:ann,bob"),
		"pull":   n.pullSend("ann:bob", "ann"),
		"chat21": n.apiSend("ann", "bob", "direct"),
		"chattp": func(ctx context.Context, text string) error {
			_, err := n.chattp(ctx, "send", "user_name=ann", "dest_user=bob", "channel_id="+channels["ann"], "message="+strings.ReplaceAll(text, " ", "%20"))
			return err
		},
	})
	agree(t, 4, map[string]func(ctx context.Context) ([]string, error){
		"native": native.all, "chattp": polled.all, "pull": n.pulled("bob:ann"), "chat21": n.timeline("bob", "ann"),
	})
}

// poll takes one message of a channel of cHaTTP after the other.
func (n *node) poll(ctx context.Context, channel string, into *heard) error {
	modified, tag := "", ""
	for {
		var position []string
		if tag != "" {
			position = []string{"If-Modified-Since", modified, "If-None-Match", tag}
		}
		body, header, err := request(ctx, http.MethodGet, "http://"+n.push+"/sub?channel_id="+channel, nil, position...)
		if err != nil {
			return err
		}
		modified, tag = header.Get("Last-Modified"), header.Get("Etag")
		var m struct {
			Ignore  bool
			Message string
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			return fmt.Errorf("%q: %w", body, err)
		}
		if !m.Ignore {
			into.add(m.Message)
		}
	}
}
