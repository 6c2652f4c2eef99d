package centrifuge

import (
	"context"
	"fmt"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/wait"
)

// An open channel tells nobody that something was erased, and neither does a room of reactions: other nodes have to forget by themselves.
func TestOtherNodesForgetWhatAnErasedUserLeftInOpenChannelsAndReactions(t *testing.T) {
	a, b := twoNodes(t)
	ann, bob := a.connect(t, transports[0], "ann"), b.connect(t, transports[0], "bob")
	channels := []string{"open", "room:a"}
	begun := map[string]*protocol.SubscribeResult{}
	for _, channel := range channels {
		begun[channel] = bob.subscribe(channel)
	}
	bob.publish("open", "from bob")
	bob.push()
	ann.publish("open", "xyzzy")
	bob.push()
	bob.publish("room:a", "from bob")
	said := bob.push().Pub.Offset
	ann.ok(&protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.react", Data: fmt.Appendf(nil,
		`{"room":"room:a","offset":"%d","id":"r1","reaction":"xyzzy"}`, said)}})
	bob.push()
	carl := b.connect(t, transports[0], "carl")
	// resumed are the events that a subscriber gets from the other node who was there from the start.
	resumed := func() (all []string) {
		for _, channel := range channels {
			result := carl.ok(&protocol.Command{Subscribe: &protocol.SubscribeRequest{
				Channel: channel, Recover: true, Epoch: begun[channel].Epoch, Offset: begun[channel].Offset,
			}}).Subscribe
			if !result.Recovered {
				t.Fatalf("%s was not recovered", channel)
			}
			for _, pub := range result.Publications {
				all = append(all, string(pub.Data))
			}
			carl.ok(&protocol.Command{Unsubscribe: &protocol.UnsubscribeRequest{Channel: channel}})
		}
		return all
	}
	if before := strings.Join(resumed(), "\n"); strings.Count(before, "xyzzy") != 2 || strings.Count(before, "from bob") != 2 {
		t.Fatalf("before the erasure there was %s", before)
	}
	if _, err := a.gateway.options.Chat.EraseUser(t.Context(), backend, &chatv1.EraseUserRequest{User: "ann"}); err != nil {
		t.Fatal(err)
	}
	wait.For(t, patience, "the other node to forget", func(context.Context) error {
		now := strings.Join(resumed(), "\n")
		if strings.Count(now, "from bob") != 2 {
			t.Fatalf("something of bob is lost: %s", now)
		}
		if strings.Contains(now, "xyzzy") {
			return fmt.Errorf("it still gives %s", now)
		}
		return nil
	})
}
