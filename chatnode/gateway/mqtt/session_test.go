package mqtt

import (
	"fmt"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

var tilechat = chat.Actor{App: "tilechat", Server: true}

func TestOnlyWhatAFilterWantsIsDelivered(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		ann, bob := n.dial(t, via), n.connect(t, via, "bob"+via.name, 0)
		ann.user = "ann" + via.name
		if code := ann.login(packet.Connect{Clean: true}, tokenOf(t, ann.user)); code != packet.Accepted {
			t.Fatalf("CONNACK %d", code)
		}
		own := "apps/tilechat/users/" + ann.user + "/"
		if codes := ann.subscribe(packet.Filter{Topic: own + "messages/+/clientadded", QoS: 2}, packet.Filter{Topic: "#"}); codes[0] != 1 ||
			codes[1] != packet.RefusedFilter {
			t.Fatalf("SUBACK %v", codes)
		}
		ann.publish(own+"presence/1", object{"connected": true})
		bob.say(ann.user, object{"text": "one"})
		has(t, ann.hear("messages/"+bob.user+"/clientadded"), object{"text": "one"})
		ann.subscribe(packet.Filter{Topic: own + "presence/#"})
		ann.wantNothing()
		ann.send(packet.AppendUnsubscribe(nil, packet.Unsubscribe{ID: 3, Filters: []string{own + "messages/+/clientadded"}}))
		ann.answer(packet.TypeUnsuback)
		bob.say(ann.user, object{"text": "two"})
		bob.hear("messages/" + ann.user + "/clientadded")
		bob.hear("messages/" + ann.user + "/clientadded")
		ann.wantNothing()
	})
}

// With QoS 1 no more is sent than the client has room for, and all of it in the end.
func TestUnacknowledgedMessagesHoldUpTheNext(t *testing.T) {
	const atOnce, all = 5, 40
	n := startNode(t, func(s *setup) { s.limits.InFlight = atOnce })
	eachTransport(t, n, func(t *testing.T, via transport) {
		ann, bob := n.connect(t, via, "ann"+via.name, 1), n.connect(t, via, "bob"+via.name, 0)
		for i := range all {
			bob.say(ann.user, object{"text": fmt.Sprint(i)})
			bob.hear("messages/" + ann.user + "/clientadded")
		}
		var held []packet.Publish
		for range atOnce {
			held = append(held, <-ann.published)
		}
		for i, m := range held {
			has(t, ann.opened(m), object{"text": fmt.Sprint(i)})
			if m.QoS != 1 || m.ID == 0 {
				t.Errorf("published with QoS %d as %d", m.QoS, m.ID)
			}
		}
		for _, m := range held {
			ann.send(packet.AppendPuback(nil, m.ID))
		}
		for i := atOnce; i < all; i++ {
			has(t, ann.hear("messages/"+bob.user+"/clientadded"), object{"text": fmt.Sprint(i)})
		}
	})
}

func TestAMessageIsAcknowledgedOnceItIsStored(t *testing.T) {
	n := startNode(t, nil)
	ann := n.connect(t, transports[0], "ann", 0)
	publish := packet.Publish{
		Topic: "apps/tilechat/outgoing/users/ann/messages/bob/outgoing", QoS: 1, ID: 77,
		Payload: []byte(`{"text":"hello","attributes":{"message_key":"k"}}`),
	}
	ids := map[any]bool{}
	for range 2 { // said again, since the first answer was lost
		ann.send(packet.AppendPublish(nil, publish))
		id, err := packet.ParseID(ann.answer(packet.TypePuback))
		must(t, err)
		if id != 77 {
			t.Errorf("PUBACK %d", id)
		}
		publish.Dup = true
		history := results(t, n.ok(t, 200, "GET", "tilechat/ann/conversations/bob/messages", "ann", nil))
		if len(history) != 1 {
			t.Fatalf("history %v", history)
		}
		ids[history[0]["message_id"]] = true
	}
	if len(ids) != 1 {
		t.Errorf("a repetition became another message: %v", ids)
	}
}

func TestASessionEndsWithItsTokenAndItsClient(t *testing.T) {
	n := startNode(t, nil)
	ann := n.connect(t, transports[0], "ann", 0)
	again := n.connect(t, transports[1], "ann", 0) // its client has the same id
	ann.wantEnd()
	again.wantNothing()
	_, err := n.chat.Revoke(t.Context(), tilechat, &chatv1.RevokeRequest{User: "ann", Ban: true})
	must(t, err)
	again.wantEnd()
	if code := n.dial(t, transports[0]).login(packet.Connect{Clean: true}, tokenOf(t, "ann")); code != packet.RefusedUnauthorized {
		t.Errorf("CONNACK %d", code)
	}
}

// What happens to rooms by other protocols is heard over MQTT too.
func TestOtherProtocolsAreHeard(t *testing.T) {
	n := startNode(t, nil)
	ann := n.connect(t, transports[0], "ann", 0)
	text := "from elsewhere"
	_, err := n.chat.Send(t.Context(), chat.Actor{App: "tilechat", User: "carl"},
		&chatv1.SendRequest{Id: "1", Room: chat.Direct("ann", "carl"), Text: &text})
	must(t, err)
	has(t, ann.hear("messages/carl/clientadded"), object{"text": text, "sender": "carl", "sender_fullname": "carl", "message_id": "1",
		"type": "text", "recipient": "ann", "status": 150, "channel_type": "direct"})

	_, err = n.chat.CreateRoom(t.Context(), tilechat, &chatv1.CreateRoomRequest{Room: "room:7", Members: []string{"ann"}})
	must(t, err)
	_, err = n.chat.Send(t.Context(), chat.Actor{App: "tilechat", Server: true}, &chatv1.SendRequest{Room: "room:7", Text: &text})
	must(t, err)
	has(t, ann.hear("messages/7/clientadded"), object{"sender": "system", "recipient": "7", "channel_type": "group"})
	ann.say("7", object{"text": "and back", "channel_type": "group"})
	has(t, ann.hear("messages/7/clientadded"), object{"text": "and back"})
	_, err = n.chat.Kick(t.Context(), tilechat, &chatv1.KickRequest{Room: "room:7", User: "ann"})
	must(t, err)
	feed := backbone.Feed{Kind: layout.Room, App: "tilechat", Name: "room:7"}
	eventually(t, "the session has left the room", func() bool { return len(n.gateway.options.Hub.Members(feed)) == 0 })
	_, err = n.chat.Send(t.Context(), tilechat, &chatv1.SendRequest{Room: "room:7", Text: &text})
	must(t, err)
	ann.wantNothing()
}

// A client beyond its rate is slowed down, and nothing of what it says is lost.
func TestTooMuchIsSaidLater(t *testing.T) {
	n := startNode(t, func(s *setup) { s.chat.MessagesPerSecond, s.chat.Burst = 100, 5 })
	ann := n.connect(t, transports[0], "ann", 0)
	const all = 100
	for i := range all {
		ann.say("bob", object{"text": fmt.Sprint(i)})
	}
	for i := range all {
		has(t, ann.hear("messages/bob/clientadded"), object{"text": fmt.Sprint(i)})
	}
}
