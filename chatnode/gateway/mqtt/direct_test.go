package mqtt

import "testing"

// eachTransport runs a test on every transport, with one node.
func eachTransport(t *testing.T, n *node, test func(t *testing.T, via transport)) {
	for _, via := range transports {
		t.Run(via.name, func(t *testing.T) { test(t, via) })
	}
}

// has fails unless o has these fields.
func has(t testing.TB, o object, want object) {
	t.Helper()
	for name, value := range want {
		if number, ok := value.(int); ok {
			value = float64(number)
		}
		if o[name] != value {
			t.Errorf("%s is %v, want %v, in %v", name, o[name], value, o)
		}
	}
}

func TestADirectMessageGoesFromOneClientToAnother(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		ann, bob := n.connect(t, via, "ann"+via.name, 0), n.connect(t, via, "bob"+via.name, 0)
		ann.say(bob.user, object{
			"text": "hello", "type": "text", "sender_fullname": "Ann", "recipient_fullname": "Bob", "channel_type": "direct",
			"attributes": object{"a": 1}, "metadata": nil, "extra": "kept", "sender": "mallory", "message_id": "mine",
		})
		sent, received := ann.hear("messages/"+bob.user+"/clientadded"), bob.hear("messages/"+ann.user+"/clientadded")
		for _, m := range []object{sent, received} {
			has(t, m, object{
				"text": "hello", "type": "text", "sender": ann.user, "recipient": bob.user, "sender_fullname": "Ann", "recipient_fullname": "Bob",
				"app_id": "tilechat", "channel_type": "direct", "extra": "kept", "metadata": nil, "message_id": sent["message_id"],
			})
			if m["timestamp"].(float64) == 0 || m["message_id"] == "mine" || m["attributes"].(object)["a"] != 1.0 {
				t.Errorf("message %v", m)
			}
		}
		has(t, sent, object{"status": 100})
		has(t, received, object{"status": 150})
		bob.say(ann.user, object{"text": "and back"})
		has(t, bob.hear("messages/"+ann.user+"/clientadded"), object{"text": "and back", "sender_fullname": bob.user})
		has(t, ann.hear("messages/"+bob.user+"/clientadded"), object{"text": "and back", "type": "text"})
		ann.wantNothing()
		bob.wantNothing()
	})
}
