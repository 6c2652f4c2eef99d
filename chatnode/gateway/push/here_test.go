package push

import (
	"fmt"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/test/wait"
)

// awaitSeen waits until a user of another protocol sees another one so.
func (n *node) awaitSeen(t *testing.T, user string, want chatv1.Status, lastSeen bool) {
	t.Helper()
	wait.Eventually(t, patience, fmt.Sprint(user, " to be seen as ", want), func() string {
		reply, err := n.chat.Presence(t.Context(), chat.Actor{App: chat.DefaultApp, User: "nat"}, &chatv1.PresenceRequest{Users: []string{user}})
		if err != nil {
			return err.Error()
		}
		if got := reply.GetUsers()[0]; got.GetStatus() != want || lastSeen != (got.GetLastSeen() > 0) {
			return got.String()
		}
		return ""
	})
}

func TestWhoHasASessionIsOnlineForOtherProtocolsAtEveryNode(t *testing.T) {
	one, other := two(t)
	one.join(t, "ann", "bob")
	other.awaitSeen(t, "ann", chatv1.Status_STATUS_UNSPECIFIED, false)
	first, second := one.login(t, "ann"), one.login(t, "ann")
	one.login(t, "bob")
	for _, n := range []*node{one, other} {
		n.awaitSeen(t, "ann", chatv1.Status_STATUS_ONLINE, false)
	}
	devices, err := other.gateway.Sessions(t.Context(), chat.DefaultApp, []string{"ann", "bob", "nobody", ""})
	if err != nil || len(devices) != 2 || len(devices["ann"]) != 2 || len(devices["bob"]) != 1 {
		t.Errorf("%v %v", devices, err)
	}
	if devices, err := other.gateway.Sessions(t.Context(), "another", []string{"ann"}); err != nil || len(devices) != 0 {
		t.Errorf("in another application: %v %v", devices, err)
	}
	logout := func(user, channel string) {
		t.Helper()
		one.want(t, ok+`"type":"logged-out"}`, "logout", "user_name", user, "channel_id", channel)
	}
	logout("ann", first)
	other.awaitSeen(t, "ann", chatv1.Status_STATUS_ONLINE, false)
	logout("ann", second)
	other.awaitSeen(t, "ann", chatv1.Status_STATUS_UNSPECIFIED, true)

	if _, err := one.chat.Revoke(t.Context(), chat.Actor{App: chat.DefaultApp, Server: true}, &chatv1.RevokeRequest{User: "bob"}); err != nil {
		t.Fatal(err)
	}
	other.awaitSeen(t, "bob", chatv1.Status_STATUS_UNSPECIFIED, false)
	other.want(t, ok+`"online":false,"type":"online"}`, "isonline", "user_name", "bob")
}
