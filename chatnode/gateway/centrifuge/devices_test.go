package centrifuge

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestPresenceTellsOfDevicesOnAllNodes(t *testing.T) {
	url := startNATS(t).ClientURL()
	overNATS := func(s *setup) { s.natsURL = url }
	one, two := startNode(t, overNATS), startNode(t, overNATS)
	see := func(n *node, want *chatv1.UserPresence) {
		t.Helper()
		want.User = "bob"
		wait.For(t, patience, "bob's presence", func(ctx context.Context) error {
			asking := chat.Actor{App: chat.DefaultApp, User: "ann"}
			got, err := n.gateway.options.Chat.Presence(ctx, asking, &chatv1.PresenceRequest{Users: []string{"bob"}})
			if err != nil {
				return err
			}
			bob := got.GetUsers()[0]
			if want.LastSeen != 0 && bob.GetLastSeen() != 0 {
				want.LastSeen = bob.GetLastSeen()
			}
			if !proto.Equal(bob, want) {
				return fmt.Errorf("seen as %v, should be %v", bob, want)
			}
			return nil
		})
	}
	connect := func(n *node, device string) *rawClient {
		return n.connectWith(t, transports[0], &protocol.ConnectRequest{Token: tokenOf(t, "bob"), Name: device})
	}
	see(one, &chatv1.UserPresence{})
	phone := connect(one, "ios")
	see(two, &chatv1.UserPresence{Status: chatv1.Status_STATUS_ONLINE, Devices: []string{"ios"}})
	desk := connect(two, "web")
	odd := connect(two, strings.Repeat("x", maxDeviceName+1))
	for _, n := range []*node{one, two} {
		see(n, &chatv1.UserPresence{Status: chatv1.Status_STATUS_ONLINE, Devices: []string{"ios", "web"}})
	}
	wait.For(t, patience, "all devices", func(ctx context.Context) error { // who is slow to answer is left out
		all, err := one.everywhere.Devices(ctx, chat.DefaultApp, []string{"bob", "ann"})
		if err == nil && (len(all) != 1 || len(all["bob"]) != 3) {
			err = fmt.Errorf("%v", all)
		}
		return err
	})
	odd.cut()
	desk.cut()
	see(one, &chatv1.UserPresence{Status: chatv1.Status_STATUS_ONLINE, Devices: []string{"ios"}})
	phone.cut()
	see(two, &chatv1.UserPresence{LastSeen: 1})
	if here := one.gateway.Devices(chat.DefaultApp, []string{"bob"}); !slices.Equal(here["bob"], nil) {
		t.Errorf("still here: %v", here)
	}
}
