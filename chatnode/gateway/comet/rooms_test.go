package comet

import (
	"fmt"
	"strings"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

var asServer = chat.Actor{App: "default", Server: true}

// A room that was made is for its members: others neither hear nor write, and who is expelled hears no more.
func TestRoomsAreForTheirMembers(t *testing.T) {
	n := startNode(t, nil)
	ctx := t.Context()
	_, err := n.chat.CreateRoom(ctx, asServer, &chatv1.CreateRoomRequest{Room: "room:web_members", Kind: chatv1.RoomKind_ROOM_KIND_GROUP})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.chat.Invite(ctx, asServer, &chatv1.InviteRequest{Room: "room:web_members", Users: []string{"7"}, Add: true}); err != nil {
		t.Fatal(err)
	}
	member, stranger, guest := n.user(7), n.user(8), n.guest()
	for _, v := range []*visitor{stranger, guest} {
		v.say("subscription", "web_members")
		if h := v.next(); h.Pipe != "sys" || h.Event != "error" {
			t.Errorf("a stranger is answered with %+v", h)
		}
		v.say("web_pipe2", "web_members", "ev", "*", "x")
		if h := v.next(); h.Pipe != "sys" || h.Event != "error" {
			t.Errorf("a stranger writes, and is answered with %+v with %s", h, h.Data)
		}
	}
	member.listen("web_members")
	n.must("INSERT INTO pipes_messages (name, event, message) VALUES ('web_members', 'ev', 'for members')")
	if h := member.nextIn("web_members"); h.text() != "for members" {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	if _, err := n.chat.Kick(ctx, asServer, &chatv1.KickRequest{Room: "room:web_members", User: "7"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the subscription", func() bool {
		return n.must("SELECT users FROM pipes WHERE name = 'web_members'").Rows[0][0] == "0"
	})
	n.must("INSERT INTO pipes_messages (name, event, message) VALUES ('web_members', 'ev', 'without the member')")
	member.say("user_data", "sync", "1")
	for h := member.next(); h.Marker != "sync"; h = member.next() {
		if h.Pipe == "web_members" {
			t.Errorf("who was expelled got %+v with %s", h, h.Data)
		}
	}
}

func TestOtherProtocolsAreInTheSameRooms(t *testing.T) {
	n := startNode(t, nil)
	v := n.user(7)
	v.listen("web_chat")
	text := "from a native client"
	sent, err := n.chat.Send(t.Context(), chat.Actor{App: "default", User: "ann"}, &chatv1.SendRequest{Id: newID(), Room: "room:web_chat", Text: &text})
	if err != nil {
		t.Fatal(err)
	}
	if h := v.nextIn("web_chat"); h.text() != text || h.Event != defaultEvent || h.UserID == nil || *h.UserID != 0 || h.UUID != sent.GetId() {
		t.Errorf("got %+v with %s", h, h.Data)
	}
	v.say("web_pipe2", "web_chat", "ev", "*", "from a browser")
	v.nextIn("_answer_to_web_chat")
	page, err := n.chat.Messages(t.Context(), chat.Actor{App: "default", User: "ann"}, &chatv1.MessagesRequest{Room: "room:web_chat"})
	if err != nil || len(page.GetMessages()) != 2 {
		t.Fatalf("the room has %v, %v", page, err)
	}
	m := page.GetMessages()[1]
	if m.GetSender() != "7" || m.GetText() != "from a browser" || m.GetData().GetStructValue().GetFields()["comet"] == nil {
		t.Errorf("the message is %v", m)
	}
}

// A browser that reads nothing for a while gets everything afterwards, in order.
func TestASlowBrowserMissesNothing(t *testing.T) {
	n := startNode(t, func(s *setup) { s.conns.QueueBytes = 16 << 10 })
	v := n.guest()
	v.listen("news", "web_chat")
	writer := n.guest()
	v.hold.Lock()
	const many = 600
	filling := strings.Repeat("x", 15<<10)
	for i := range many {
		n.must("INSERT INTO pipes_messages (name, event, message) VALUES ('news', 'ev', ?)", fmt.Sprintf("%d %s", i, filling))
	}
	writer.listen("news")
	v.hold.Unlock()
	for i := range many {
		if h := v.nextIn("news"); !strings.HasPrefix(h.text(), fmt.Sprintf("%d x", i)) {
			t.Fatalf("message %d is %.20s", i, h.text())
		}
	}
	v.sync()
}

func TestTooManyCommandsAtOnceEndTheConnection(t *testing.T) {
	n := startNode(t, nil)
	v := n.guest()
	command := "web_pipe2\nweb_chat\nev\n*\n" + strings.Repeat("x", 15<<10)
	for range 10_000 {
		if v.ws.WriteMessage(1, []byte(command)) != nil {
			break
		}
	}
	_ = v.ended()
	n.guest().sync()
}

func TestAnonymousBrowsersPublishOnlySoMuch(t *testing.T) {
	n := startNode(t, func(s *setup) { s.options.MessagesPerSecond = 0.001 })
	v := n.guest()
	v.say("web_pipe2", "web_chat", "ev", "*", "first")
	if h := v.next(); h.Pipe != "_answer_to_web_chat" {
		t.Errorf("the first message is answered with %+v with %s", h, h.Data)
	}
	v.say("web_pipe2", "web_chat", "ev", "*", "second")
	if h := v.next(); h.Event != "error" {
		t.Errorf("the second message is answered with %+v with %s", h, h.Data)
	}
}

func TestWhoIsErasedLeavesNothing(t *testing.T) {
	n := startNode(t, nil)
	v := n.user(7)
	n.must("INSERT INTO users_data (id, data) VALUES (7, 'x')")
	n.private(7, "x")
	if _, err := n.chat.EraseUser(t.Context(), asServer, &chatv1.EraseUserRequest{User: "7"}); err != nil {
		t.Fatal(err)
	}
	_ = v.ended()
	for _, table := range []string{"users_auth", "users_data", "users_messages"} {
		if rows := n.must("SELECT * FROM " + table + " WHERE id = 7").Rows; len(rows) > 0 {
			t.Errorf("%s has %v", table, rows)
		}
	}
}
