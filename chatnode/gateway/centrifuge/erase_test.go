package centrifuge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

func TestAnErasureReachesTheSubscribersAndTheMemoryOfOtherNodes(t *testing.T) {
	a, b := twoNodes(t)
	ann, bob := a.connect(t, transports[0], "ann"), b.connect(t, transports[1], "bob")
	begun := bob.subscribe("room:a")
	const n = 5
	said := map[uint64]bool{}
	for i := range n {
		ann.publish("room:a", fmt.Sprint("xyzzy ", i))
		said[bob.push().Pub.Offset] = true
	}
	bob.publish("room:a", "from bob")
	bob.push()
	receipt, err := a.gateway.options.Chat.EraseUser(t.Context(), backend, &chatv1.EraseUserRequest{User: "ann"})
	if err != nil || receipt.GetMessages() != n {
		t.Fatalf("%v, %v", receipt, err)
	}
	for range n {
		var event struct {
			Type, Sender, Author string
			Target               uint64
		}
		data := bob.push().Pub.Data
		if err := json.Unmarshal(data, &event); err != nil {
			t.Fatal(err)
		}
		if event.Type != "delete" || !said[event.Target] || event.Sender != "" || event.Author != "" {
			t.Errorf("told of %s", data)
		}
		delete(said, event.Target)
	}
	carl := b.connect(t, transports[0], "carl")
	again := carl.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{
		Channel: "room:a", Recover: true, Epoch: begun.Epoch, Offset: begun.Offset,
	}}).Subscribe
	history := carl.ok(&protocol.Command{History: &protocol.HistoryRequest{Channel: "room:a", Limit: 100}}).History
	if !again.Recovered || len(again.Publications) != n+1 || len(history.Publications) != n+1 {
		t.Errorf("recovered %v with %d publications, the history has %d", again.Recovered, len(again.Publications), len(history.Publications))
	}
	for _, pub := range append(again.Publications, history.Publications...) {
		if bytes.Contains(pub.Data, []byte("xyzzy")) || pub.Info != nil && pub.Info.User == "ann" {
			t.Errorf("another node still gives %s", pub.Data)
		}
	}
	ann.wantEnd(protocol.DisconnectExpired.Code)
}
