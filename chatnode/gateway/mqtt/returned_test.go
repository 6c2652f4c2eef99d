package mqtt

import (
	"math"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// What a client of another protocol has received or read is shown to the sender as if it were one of chat21.
func TestReceiptsOfOtherProtocolsComeBackToTheSender(t *testing.T) {
	n := startNode(t, nil)
	ann, again := n.connect(t, transports[0], "ann", 0), n.dial(t, transports[1])
	again.user = "ann"
	if code := again.login(packet.Connect{ClientID: "another", Clean: true}, tokenOf(t, "ann")); code != packet.Accepted {
		t.Fatalf("CONNACK %d", code)
	}
	again.subscribe(packet.Filter{Topic: "apps/tilechat/users/ann/#", QoS: 1})
	both := []*rawClient{ann, again}
	say := func(words string) (id string) {
		t.Helper()
		ann.say("bob", object{"text": words})
		for _, c := range both {
			id = c.hear("messages/bob/clientadded")["message_id"].(string)
		}
		return id
	}
	wantReturned := func(ids ...string) {
		t.Helper()
		for _, c := range both {
			for _, id := range ids {
				has(t, c.hear("messages/bob/"+id+"/clientupdated"), object{"timelineOf": "ann", "message_id": id, "status": 250})
			}
		}
	}
	bob, room := chat.Actor{App: "tilechat", User: "bob"}, chat.Direct("ann", "bob")

	one, two := say("one"), say("two")
	answer := "an answer, which nobody is told of"
	_, err := n.chat.Send(t.Context(), bob, &chatv1.SendRequest{Room: room, Id: "answer", Text: &answer})
	must(t, err)
	for _, c := range both {
		c.hear("messages/bob/clientadded")
	}
	_, err = n.chat.Delivered(t.Context(), bob, &chatv1.DeliveredRequest{Room: room, Offset: math.MaxUint64})
	must(t, err)
	wantReturned(one, two)
	_, err = n.chat.Read(t.Context(), bob, &chatv1.ReadRequest{Room: room, Offset: math.MaxUint64}) // nothing is received that was not before
	must(t, err)
	three := say("three")
	_, err = n.chat.Read(t.Context(), bob, &chatv1.ReadRequest{Room: room, Offset: math.MaxUint64})
	must(t, err)
	wantReturned(three)
	for _, c := range both {
		// What ann receives is no news for ann, and the marker is echoed to both.
		_, err = n.chat.Read(t.Context(), chat.Actor{App: "tilechat", User: "ann"}, &chatv1.ReadRequest{Room: room, Offset: math.MaxUint64})
		must(t, err)
		c.publish("apps/tilechat/users/ann/presence/mark", object{})
		for _, each := range both {
			each.hear("presence/mark")
		}
	}
}
