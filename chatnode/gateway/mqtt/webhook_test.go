package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
	"github.com/chatfleet/chatfleet/chatnode/hook"
	"github.com/chatfleet/chatfleet/test/wait"
)

// webhook is a program that is told in chat21's form.
type webhook struct {
	mu   sync.Mutex
	told []object
}

var hookSecret = []byte("a secret of more than thirty-two bytes")

func (w *webhook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var o object
	if err != nil || hook.Verify(hookSecret, r.Header.Get(hook.SignatureHeader), time.Now(), time.Hour, body) != nil || json.Unmarshal(body, &o) != nil {
		o = object{"event_type": "unsigned"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, o)
}

// await gives what the webhook was told for which that holds, when there are so many.
func (w *webhook) await(t *testing.T, want int, of func(o object) bool) (found []object) {
	t.Helper()
	wait.For(t, patience, fmt.Sprintf("%d requests", want), func(context.Context) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		found = slices.DeleteFunc(slices.Clone(w.told), func(o object) bool { return !of(o) })
		if len(found) < want {
			return fmt.Errorf("%d of %v", len(found), w.told)
		}
		return nil
	})
	if len(found) != want {
		t.Errorf("%d requests: %v", len(found), found)
	}
	return found
}

// startWithWebhook starts a node whose webhook is told in chat21's form.
func startWithWebhook(t *testing.T) (*node, *webhook) {
	t.Helper()
	n, w := startNode(t, func(s *setup) { s.webhook = true }), &webhook{}
	receiver := httptest.NewServer(w)
	events, err := hook.NewEvents(n.backbone, hook.EventsOptions{
		URL: receiver.URL, Secrets: func() [][]byte { return [][]byte{hookSecret} }, Types: hook.Types, Timeout: patience, GiveUp: time.Hour,
		Form: n.gateway.WebhookForm, Beside: chat21.BesideRooms,
	})
	must(t, err)
	t.Cleanup(func() {
		events.Close()
		receiver.Close()
	})
	wait.For(t, patience, "the tap to begin", func(ctx context.Context) error {
		count, err := n.backbone.Count(ctx, layout.Cursors, layout.RowKey("webhook"))
		if err == nil && count < 2 {
			err = errors.New("not in all shards")
		}
		return err
	})
	return n, w
}

func TestAWebhookIsToldAsChat21Did(t *testing.T) {
	n, w := startWithWebhook(t)
	ann := n.connect(t, transports[0], "ann", 0)
	of := func(id any) func(o object) bool { return func(o object) bool { return o["message_id"] == id } }

	ann.say("bob", object{"text": "hello", "recipient_fullname": "Bob"})
	id := ann.hear("messages/bob/clientadded")["message_id"]
	told := w.await(t, 2, of(id))
	has(t, told[0], object{"event_type": "message-sent", "app_id": "tilechat", "recipient_id": "bob", "delivered_to": "ann"})
	has(t, told[1], object{"event_type": "message-delivered", "app_id": "tilechat", "recipient_id": "bob", "delivered_to": "bob"})
	has(t, told[0]["extras"].(object), object{"topic": "apps.tilechat.users.ann.messages.bob.clientadded"})
	has(t, told[1]["extras"].(object), object{"topic": "apps.tilechat.users.bob.messages.ann.clientadded"})
	for i, status := range []int{100, 150} {
		data := told[i]["data"].(object)
		has(t, data, object{"text": "hello", "sender": "ann", "recipient": "bob", "status": status, "recipient_fullname": "Bob", "message_id": id})
		if told[i]["createdAt"] != data["timestamp"] {
			t.Errorf("%v", told[i])
		}
	}

	// A group's message is one sent, in the group's own timeline, and one delivered to each member from whom it is not hidden.
	ann.say("group-1", object{"text": "to all", "group": object{"members": object{"ann": 1, "bob": 1, "carl": 1}}, "attributes": object{"hiddenFor": "carl"}})
	id = ann.hear("messages/group-1/clientadded")["message_id"]
	told = w.await(t, 3, of(id))
	has(t, told[0], object{"event_type": "message-sent", "delivered_to": "group-1", "recipient_id": "group-1"})
	has(t, told[0]["extras"].(object), object{"topic": "apps.tilechat.users.group-1.messages.group-1.clientadded"})
	for i, member := range []string{"ann", "bob"} {
		has(t, told[1+i], object{"event_type": "message-delivered", "delivered_to": member, "recipient_id": "group-1"})
		has(t, told[1+i]["data"].(object), object{"status": 150, "channel_type": "group"})
	}

	// So is what clients of other protocols say, and to oneself.
	words := "from a native client"
	_, err := n.chat.Send(t.Context(), chat.Actor{App: "tilechat", User: "dora"}, &chatv1.SendRequest{Room: chat.Direct("dora", "dora"), Id: "native", Text: &words})
	must(t, err)
	told = w.await(t, 2, of("native"))
	has(t, told[0], object{"event_type": "message-sent", "delivered_to": "dora"})
	has(t, told[1], object{"event_type": "message-delivered", "delivered_to": "dora"})
	w.await(t, 0, func(o object) bool { return o["event_type"] == "unsigned" })
}

func TestAWebhookIsToldOfPresenceAndOfTheArchive(t *testing.T) {
	n, w := startWithWebhook(t)
	presence := func(user string) func(o object) bool {
		return func(o object) bool { return o["event_type"] == "presence-change" && o["user_id"] == user }
	}
	ann := n.dial(t, transports[0])
	ann.user = "ann"
	topic := "apps/tilechat/users/ann/presence/one"
	will := &packet.Will{Topic: topic, Payload: []byte(`{"disconnected":true}`), QoS: 1, Retain: true}
	if code := ann.login(packet.Connect{ClientID: "one", Clean: true, Will: will}, tokenOf(t, "ann")); code != packet.Accepted {
		t.Fatalf("CONNACK %d", code)
	}
	ann.publish(topic, object{"connected": true})
	ann.publish(topic, object{"mark": true}) // which says nothing of presence
	has(t, w.await(t, 1, presence("ann"))[0], object{"presence": "online", "app_id": "tilechat", "data": true})
	ann.cut()
	has(t, w.await(t, 2, presence("ann"))[1], object{"presence": "offline", "app_id": "tilechat", "data": true})

	bob := n.connect(t, transports[1], "bob", 1)
	bob.say("carl", object{"text": "hello"})
	bob.hear("messages/carl/clientadded")
	bob.publish("apps/tilechat/users/bob/conversations/carl/archive", object{})
	told := w.await(t, 1, func(o object) bool { return o["event_type"] == "conversation-archived" })[0]
	has(t, told, object{"app_id": "tilechat", "user_id": "bob", "recipient_id": "carl", "convers_with": "carl"}) //nolint:misspell // the field is named so
	has(t, told["extras"].(object), object{"topic": "apps.tilechat.users.bob.conversations.carl.archive"})
	has(t, told["data"].(object), object{"text": "hello", "archived": true, "conversWith": "carl"})
}
