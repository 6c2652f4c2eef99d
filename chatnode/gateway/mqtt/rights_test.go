package mqtt

import (
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

func TestWhoMakesAGroupOwnsItOnAllProtocols(t *testing.T) {
	n := startNode(t, nil)
	q := object{"group_id": "group-1", "group_name": "Friends", "group_members": object{"bob": 1}}
	n.ok(t, 201, "POST", "tilechat/groups", "ann", q)
	q["group_id"], q["group_owner"] = "group-2", "bob"
	n.as(t, 201, "POST", "tilechat/groups", adminToken(t), q)
	for group, owner := range map[string]string{"group-1": "ann", "group-2": "bob"} {
		room, err := n.chat.GetRoom(t.Context(), chat.Actor{App: "tilechat", User: owner}, &chatv1.GetRoomRequest{Room: "room:" + group})
		must(t, err)
		if room.GetMe().GetRole() != chatv1.Role_ROLE_OWNER {
			t.Errorf("%s is in %v", owner, room)
		}
		has(t, n.ok(t, 200, "GET", "tilechat/groups/"+group, "bob", nil)["result"].(object), object{"owner": owner})
	}
	n.ok(t, 405, "DELETE", "tilechat/groups/group-1/members/ann", "bob", nil)
	n.ok(t, 200, "DELETE", "tilechat/groups/group-1/members/bob", "bob", nil)
}

func TestNobodyMakesAGroupOfWhatOthersSaid(t *testing.T) {
	n := startNode(t, nil)
	text := "mine"
	_, err := n.chat.Send(t.Context(), chat.Actor{App: "tilechat", User: "carl"}, &chatv1.SendRequest{Id: "1", Room: "room:talk", Text: &text})
	must(t, err)
	q := object{"group_id": "talk", "group_name": "Ours", "group_members": object{}}
	n.ok(t, 409, "POST", "tilechat/groups", "ann", q)
	n.as(t, 201, "POST", "tilechat/groups", adminToken(t), q)
}

func TestANewMemberGetsWhatItMayRead(t *testing.T) {
	n := startNode(t, nil)
	ann, bob := n.connect(t, transports[0], "ann", 0), n.connect(t, transports[0], "bob", 0)
	_, err := n.chat.CreateRoom(t.Context(), chat.Actor{App: "tilechat", User: "ann"}, &chatv1.CreateRoomRequest{
		Room: "room:group-1", History: chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED,
	})
	must(t, err)
	ann.say("group-1", object{"text": "before bob", "channel_type": "group"})
	ann.hear("messages/group-1/clientadded")
	n.ok(t, 200, "POST", "tilechat/groups/group-1/members", "ann", object{"member_id": "bob"})
	added, _ := bob.hearBoth("messages/group-1/clientadded", "groups/group-1/clientupdated")
	has(t, added, object{"text": "bob added to group"})
	bob.wantNothing()
}
