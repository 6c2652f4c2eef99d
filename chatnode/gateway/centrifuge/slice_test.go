package centrifuge

import (
	"encoding/json"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// eachTransport runs a test on every transport and encoding, with one node.
func eachTransport(t *testing.T, n *node, test func(t *testing.T, via transport)) {
	for _, via := range transports {
		t.Run(via.name, func(t *testing.T) {
			n.t = t
			test(t, via)
		})
	}
	n.t = t
}

func textOf(t testing.TB, pub *protocol.Publication) string {
	t.Helper()
	var event struct{ Text string }
	if err := json.Unmarshal(pub.Data, &event); err != nil {
		t.Fatal(err)
	}
	return event.Text
}

func TestAMessageGoesFromOneClientToAnother(t *testing.T) {
	n := startNode(t, nil)
	eachTransport(t, n, func(t *testing.T, via transport) {
		room := "room:" + via.name
		ann, bob := n.connect(t, via, "ann"), n.connect(t, via, "bob")
		if ann.result.Client == "" || ann.result.Ping != 25 || !ann.result.Pong || ann.result.Session == "" || ann.result.Node == "" ||
			ann.result.Version != "test" || ann.result.Time == 0 || ann.result.Subs["user:ann"] == nil {
			t.Errorf("connect result %+v", ann.result)
		}
		begun := ann.subscribe(room)
		if !begun.Recoverable || !begun.Positioned || begun.Epoch == "" || begun.WasRecovering || begun.Recovered {
			t.Errorf("subscribe result %+v", begun)
		}
		bob.subscribe(room)
		ann.publish(room, "hello")
		for _, c := range []*rawClient{ann, bob} {
			push := c.push()
			if push.Channel != room || push.Pub == nil || textOf(t, push.Pub) != "hello" || push.Pub.Offset <= begun.Offset ||
				push.Pub.Info.User != "ann" || push.Pub.Info.Client != ann.result.Client {
				t.Errorf("push %+v", push)
			}
		}
		history := bob.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: room, Limit: 10}}).History
		if len(history.Publications) != 1 || textOf(t, history.Publications[0]) != "hello" || history.Epoch != begun.Epoch ||
			history.Offset != history.Publications[0].Offset {
			t.Errorf("history %+v", history)
		}
	})
}
