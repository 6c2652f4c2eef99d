package mqtt

import (
	"slices"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/packet"
)

func TestClientsShowInThePresenceOfUsers(t *testing.T) {
	n := startNode(t, nil)
	ann, again := n.connect(t, transports[0], "ann", 0), n.dial(t, transports[1])
	if code := again.login(packet.Connect{ClientID: "another", Clean: true}, tokenOf(t, "ann")); code != packet.Accepted {
		t.Fatalf("CONNACK %d", code)
	}
	see := func(what string, online bool) {
		t.Helper()
		eventually(t, what, func() bool {
			asking := chat.Actor{App: "tilechat", User: "native"}
			got, err := n.chat.Presence(t.Context(), asking, &chatv1.PresenceRequest{Users: []string{"ann"}})
			must(t, err)
			seen := got.GetUsers()[0]
			if online {
				return seen.GetStatus() == chatv1.Status_STATUS_ONLINE && slices.Equal(seen.GetDevices(), []string{"chat21"})
			}
			return seen.GetStatus() == chatv1.Status_STATUS_UNSPECIFIED && seen.GetLastSeen() > 0
		})
	}
	see("ann is there with two", true)
	ann.cut()
	eventually(t, "one of them is gone", func() bool { return len(n.gateway.people.All()) == 1 })
	see("ann is there with one", true)
	again.cut()
	see("ann was last seen", false)
}
