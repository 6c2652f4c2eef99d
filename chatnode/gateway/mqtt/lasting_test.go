package mqtt

import (
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

// A client that asks for a session that lasts is told with each CONNACK that there was none. So it subscribes anew, and reads over HTTP what
// was acknowledged to others meanwhile.
func TestASessionThatWasToLastBeginsAnew(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		bob, user := n.connect(t, via, "bob"+via.name, 0), "ann"+via.name
		lasting := func() *rawClient {
			t.Helper()
			c := n.dial(t, via)
			c.user = user
			name := "JWT"
			c.send(packet.AppendConnect(nil, packet.Connect{ClientID: "phone", Username: &name, Password: []byte(tokenOf(t, user))}))
			if p := c.answer(packet.TypeConnack); p.Body[0] != 0 || p.Body[1] != packet.Accepted {
				t.Fatalf("CONNACK %v", p.Body)
			}
			return c
		}
		first := lasting()
		first.subscribe(packet.Filter{Topic: "apps/tilechat/users/" + user + "/#", QoS: 1})
		first.cut()
		bob.say(user, object{"text": "missed"})
		bob.hear("messages/" + user + "/clientadded")
		again := lasting()
		again.subscribe(packet.Filter{Topic: "apps/tilechat/users/" + user + "/#", QoS: 1})
		bob.say(user, object{"text": "heard"})
		has(t, again.hear("messages/"+bob.user+"/clientadded"), object{"text": "heard"})
		history := results(t, n.ok(t, 200, "GET", "tilechat/"+user+"/conversations/"+bob.user+"/messages", user, nil))
		has(t, history[0], object{"text": "heard"})
		has(t, history[1], object{"text": "missed"})
	})
}

func TestNothingIsRetained(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		ann := n.connect(t, via, "ann"+via.name, 1)
		own := "apps/tilechat/users/" + ann.user + "/"
		ann.send(packet.AppendPublish(nil, packet.Publish{Topic: own + "presence/one", Payload: []byte(`{"connected":true}`), Retain: true}))
		select {
		case m := <-ann.published:
			if m.Retain || m.Topic != own+"presence/one" {
				t.Errorf("%+v", m)
			}
			ann.send(packet.AppendPuback(nil, m.ID))
		case <-t.Context().Done():
			t.Fatal("nothing came back")
		}
		later := n.dial(t, via)
		later.user = ann.user
		if code := later.login(packet.Connect{ClientID: "later", Clean: true}, tokenOf(t, ann.user)); code != packet.Accepted {
			t.Fatalf("CONNACK %d", code)
		}
		later.subscribe(packet.Filter{Topic: own + "#", QoS: 1})
		later.wantNothing()
	})
}
