package chat

import (
	"fmt"
	"slices"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func rooms(t testing.TB, s *Service, user string, q *chatv1.RoomsRequest) *chatv1.RoomsReply {
	t.Helper()
	return must(s.Rooms(t.Context(), someone(user), q))(t)
}

func namesOf(reply *chatv1.RoomsReply) (names []string) {
	for _, c := range reply.GetRooms() {
		names = append(names, c.GetRoom().GetRoom())
	}
	return names
}

func TestConversationsAreListedByTheirNewestMessage(t *testing.T) {
	s, _ := start(t, noLimits)
	if empty := rooms(t, s, "ann", &chatv1.RoomsRequest{}); len(empty.GetRooms()) > 0 {
		t.Fatalf("a new user has %v", empty)
	}
	for _, room := range []string{"room:a", "room:b", "room:c", "room:quiet"} {
		enter(t, s, room, "ann", "bob")
	}
	bob := someone("bob")
	say(t, s, bob, "room:b", "one", "ann")
	say(t, s, bob, "room:a", "two")
	say(t, s, ann, "room:a", "own")
	direct := say(t, s, bob, "dm:ann,bob", "three", "ann")
	changed := say(t, s, bob, "room:c", "four", "ann")
	gone := say(t, s, bob, "room:b", "five", "ann")
	must(s.Delete(t.Context(), bob, &chatv1.DeleteRequest{Room: "room:b", Offset: gone, Id: newID()}))(t)
	must(s.Edit(t.Context(), bob, edit("room:c", changed, "4")))(t)
	got := rooms(t, s, "ann", &chatv1.RoomsRequest{})
	want := []string{"room:c", "dm:ann,bob", "room:a", "room:b", "room:quiet"}
	if !slices.Equal(namesOf(got), want) || got.GetUnread() != 4 || got.GetMentions() != 2 || got.GetCursor() != "" {
		t.Fatalf("listed %v, %d unread, %d mentions", namesOf(got), got.GetUnread(), got.GetMentions())
	}
	if channels := must(s.Joined(t.Context(), ann, 3))(t); !slices.Equal(channels, want[:3]) {
		t.Fatalf("joined %v", channels)
	}
	for i, c := range []struct {
		last             string
		unread, mentions uint32
	}{{"4", 1, 0}, {"three", 1, 1}, {"own", 1, 0}, {"one", 1, 1}, {}} {
		d := got.GetRooms()[i]
		if d.GetLast().GetText() != c.last || d.GetMarks().GetUnread() != c.unread || d.GetMarks().GetMentions() != c.mentions {
			t.Errorf("%s: %v", d.GetRoom().GetRoom(), d)
		}
		if me := d.GetRoom().GetMe(); me.GetMembership() != joined || me.GetUser() != "ann" {
			t.Errorf("ann stands to %s as %v", d.GetRoom().GetRoom(), me)
		}
	}
	marks := must(s.Read(t.Context(), ann, &chatv1.ReadRequest{Room: "dm:ann,bob", Offset: direct}))(t)
	must(s.Leave(t.Context(), ann, &chatv1.LeaveRequest{Room: "room:c"}))(t)
	got = rooms(t, s, "ann", &chatv1.RoomsRequest{})
	if !slices.Equal(namesOf(got), want[1:]) || got.GetUnread() != 2 || got.GetMentions() != 1 {
		t.Fatalf("then %v, %d unread, %d mentions", namesOf(got), got.GetUnread(), got.GetMentions())
	}
	same(t, "marks", got.GetRooms()[0].GetMarks(), marks)
}

func TestPagesOfConversationsJoin(t *testing.T) {
	s, _ := start(t, noLimits)
	var want []string
	for i := range 7 {
		room := fmt.Sprint("room:", i)
		enter(t, s, room, "ann")
		if i > 2 {
			say(t, s, ann, room, "hi")
		}
		want = append([]string{room}, want...)
	}
	for _, limit := range []uint32{0, 1, 3, 7} {
		var got []string
		q := &chatv1.RoomsRequest{Limit: limit}
		for more := true; more; more = q.Cursor != "" {
			reply := rooms(t, s, "ann", q)
			got = append(got, namesOf(reply)...)
			q.Cursor = reply.GetCursor()
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	for _, q := range []*chatv1.RoomsRequest{{Limit: mostRooms + 1}, {Cursor: "x"}, {Cursor: "!"}} {
		_, err := s.Rooms(t.Context(), ann, q)
		expect(t, Invalid, err)
	}
	_, err := s.Rooms(t.Context(), theServer, &chatv1.RoomsRequest{})
	expect(t, Invalid, err)
}

func TestInvitationsAreListedAndCountNothing(t *testing.T) {
	s, _ := start(t, noLimits)
	must(s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: "room:g", Kind: group, Title: "G"}))(t)
	say(t, s, ann, "room:g", "secret", "bob")
	must(s.Invite(t.Context(), ann, &chatv1.InviteRequest{Room: "room:g", Users: []string{"bob"}}))(t)
	say(t, s, ann, "room:g", "secret too", "bob")
	got := rooms(t, s, "bob", &chatv1.RoomsRequest{})
	if len(got.GetRooms()) != 1 || got.GetUnread() != 0 || got.GetMentions() != 0 {
		t.Fatalf("bob's list: %v", got)
	}
	if c := got.GetRooms()[0]; c.GetLast() != nil || c.GetRoom().GetTitle() != "G" || c.GetRoom().GetMe().GetMembership() != invitedTo {
		t.Fatalf("the invitation: %v", c)
	}
	if channels := must(s.Joined(t.Context(), someone("bob"), 10))(t); len(channels) > 0 {
		t.Fatalf("bob, who is only invited, has joined %v", channels)
	}
	enter(t, s, "room:g", "bob")
	say(t, s, ann, "room:g", "welcome", "bob")
	if got = rooms(t, s, "bob", &chatv1.RoomsRequest{}); got.GetUnread() != 1 || got.GetRooms()[0].GetLast().GetText() != "welcome" {
		t.Fatalf("bob's list after joining: %v", got)
	}
}

func TestMarksDontMoveRoomsOnTheList(t *testing.T) {
	s, _ := start(t, noLimits)
	enter(t, s, "room:a", "ann")
	enter(t, s, "room:b", "ann")
	at := say(t, s, ann, "room:a", "hi")
	must(s.Read(t.Context(), ann, &chatv1.ReadRequest{Room: "room:a", Offset: at}))(t)
	must(s.Delete(t.Context(), ann, &chatv1.DeleteRequest{Room: "room:a", Offset: at, Id: newID()}))(t)
	if got, want := namesOf(rooms(t, s, "ann", &chatv1.RoomsRequest{})), []string{"room:b", "room:a"}; !slices.Equal(got, want) {
		t.Fatalf("listed %v, want %v", got, want)
	}
}
