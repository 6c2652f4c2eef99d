package chat

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	asOwner     = chatv1.Role_ROLE_OWNER
	asModerator = chatv1.Role_ROLE_MODERATOR
	asMember    = chatv1.Role_ROLE_MEMBER
	asReader    = chatv1.Role_ROLE_READER
)

// made makes a room of ann's.
func made(t *testing.T, s *Service, room string, kind chatv1.RoomKind, members ...string) {
	t.Helper()
	must(s.CreateRoom(t.Context(), ann, &chatv1.CreateRoomRequest{Room: room, Kind: kind, Members: members}))(t)
}

func give(t *testing.T, s *Service, room, user string, role chatv1.Role) {
	t.Helper()
	must(s.SetRole(t.Context(), theServer, &chatv1.SetRoleRequest{Room: room, User: user, Role: role}))(t)
}

// names are the members of a list, as "name role".
func names(t *testing.T, s *Service, a Actor, room string, membership chatv1.Membership) []string {
	t.Helper()
	var all []string
	for _, m := range must(s.Members(t.Context(), a, &chatv1.MembersRequest{Room: room, Membership: membership}))(t).GetMembers() {
		all = append(all, m.GetUser()+" "+roleWords[m.GetRole()])
	}
	return all
}

// told is what a user was told of a room.
func told(t *testing.T, s *Service, room, user string) (all []string) {
	t.Helper()
	for _, e := range events(t, s, backbone.Feed{Kind: layout.User, App: DefaultApp, Name: user}) {
		if e["type"] == "conversation" && e["room"] == room {
			all = append(all, fmt.Sprint(e["change"]))
		}
	}
	return all
}

func TestAMembershipFromInvitationToTheEnd(t *testing.T) {
	s, _ := start(t, noLimits)
	bob, ctx := someone("bob"), t.Context()
	made(t, s, "room:a", group)
	_, err := s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"})
	expect(t, Denied, err)
	reply := must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob", "bob"}, Role: asModerator}))(t)
	if len(reply.GetMembers()) != 1 || reply.GetMembers()[0].GetMembership() != invitedTo || reply.GetMembers()[0].GetBy() != "ann" {
		t.Fatalf("invited %v", reply)
	}
	if me := must(s.GetRoom(ctx, bob, &chatv1.GetRoomRequest{Room: "room:a"}))(t); me.GetMe().GetMembership() != invitedTo || me.GetMembers() != 1 {
		t.Fatalf("who is invited sees %v", me)
	}
	joining := must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}))(t)
	if joining.GetMembership() != joined || joining.GetRole() != asModerator || joining.GetBy() != "" || joining.GetSince() == 0 {
		t.Fatalf("joined as %v", joining)
	}
	if again := must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}))(t); again.GetSince() != joining.GetSince() {
		t.Fatalf("joined again as %v", again)
	}
	if got := names(t, s, bob, "room:a", 0); !slices.Equal(got, []string{"ann owner", "bob moderator"}) {
		t.Fatalf("members are %v", got)
	}
	if left := must(s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"}))(t); left.GetMembership() != none {
		t.Fatalf("left as %v", left)
	}
	must(s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"}))(t)
	_, err = s.GetRoom(ctx, bob, &chatv1.GetRoomRequest{Room: "room:a"})
	expect(t, Denied, err)
	if got, want := told(t, s, "room:a", "bob"), []string{"invited", "joined", "left"}; !slices.Equal(got, want) {
		t.Fatalf("bob was told %v", got)
	}
	if n, err := s.tables.Count(ctx, layout.Inbox, layout.RowKey(DefaultApp, "bob")); n != 0 || err != nil {
		t.Fatalf("%d rooms are left on the list, %v", n, err)
	}
	if n, err := s.tables.Count(ctx, layout.Members, roomKey(testFeed("room:a"))); n != 1 || err != nil {
		t.Fatalf("%d records of members are left, %v", n, err)
	}
}

func TestTheLastOwnerStaysWhileThereAreOthers(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	made(t, s, "room:a", group, "bob")
	_, err := s.Leave(ctx, ann, &chatv1.LeaveRequest{Room: "room:a"})
	expect(t, Denied, err)
	if !strings.Contains(err.Error(), "make another one owner") {
		t.Fatalf("%v says not what to do", err)
	}
	_, err = s.SetRole(ctx, ann, &chatv1.SetRoleRequest{Room: "room:a", User: "ann", Role: asMember})
	expect(t, Denied, err)
	must(s.SetRole(ctx, ann, &chatv1.SetRoleRequest{Room: "room:a", User: "bob", Role: asOwner}))(t)
	must(s.SetRole(ctx, ann, &chatv1.SetRoleRequest{Room: "room:a", User: "ann", Role: asReader}))(t)
	_, err = s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"})
	expect(t, Denied, err)
	must(s.Leave(ctx, ann, &chatv1.LeaveRequest{Room: "room:a"}))(t)
	must(s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"}))(t) // alone
}

func TestOfTwoOwnersWhoLeaveAtOnceOneStays(t *testing.T) {
	s, _ := start(t, noLimits)
	for i := range 10 {
		room := fmt.Sprint("room:", i)
		made(t, s, room, group, "bob", "carl")
		give(t, s, room, "bob", asOwner)
		left := make(chan error, 2)
		for _, a := range []Actor{ann, someone("bob")} {
			go func() {
				_, err := s.Leave(context.Background(), a, &chatv1.LeaveRequest{Room: room})
				left <- err
			}()
		}
		if one, two := <-left, <-left; (one == nil) == (two == nil) {
			t.Fatalf("left: %v, %v", one, two)
		}
		if got := names(t, s, theServer, room, 0); len(got) != 2 || !slices.ContainsFunc(got, func(n string) bool { return strings.HasSuffix(n, "owner") }) {
			t.Fatalf("members are %v", got)
		}
	}
}

func TestOneChangesOnlyThoseOfLesserRole(t *testing.T) {
	s, _ := start(t, noLimits)
	made(t, s, "room:a", group, "mod", "mod2", "boss", "bob")
	give(t, s, "room:a", "mod", asModerator)
	give(t, s, "room:a", "mod2", asModerator)
	give(t, s, "room:a", "boss", asOwner)
	ctx := t.Context()
	for _, actor := range []Actor{someone("mod"), ann} {
		for _, user := range []string{"mod2", "boss", actor.User} {
			if actor.User == "ann" && user == "mod2" {
				continue
			}
			_, err := s.Kick(ctx, actor, &chatv1.KickRequest{Room: "room:a", User: user})
			expect(t, Denied, err)
			_, err = s.Mute(ctx, actor, &chatv1.MuteRequest{Room: "room:a", User: user, Seconds: 10})
			expect(t, Denied, err)
			if _, err = s.Ban(ctx, actor, &chatv1.BanRequest{Room: "room:a", User: user}); err == nil {
				t.Fatalf("%s banned %s", actor.User, user)
			}
		}
	}
	_, err := s.SetRole(ctx, ann, &chatv1.SetRoleRequest{Room: "room:a", User: "boss", Role: asMember})
	expect(t, Denied, err)
	for _, q := range []*chatv1.InviteRequest{
		{Room: "room:a", Users: []string{"x"}, Role: asModerator},
		{Room: "room:a", Users: []string{"x"}, Role: asOwner, Add: true},
	} {
		_, err = s.Invite(ctx, someone("mod"), q)
		expect(t, Denied, err)
	}
	must(s.Kick(ctx, someone("mod"), &chatv1.KickRequest{Room: "room:a", User: "bob"}))(t)
	must(s.Kick(ctx, ann, &chatv1.KickRequest{Room: "room:a", User: "mod2"}))(t)
	must(s.Kick(ctx, theServer, &chatv1.KickRequest{Room: "room:a", User: "ann"}))(t)
	must(s.Kick(ctx, theServer, &chatv1.KickRequest{Room: "room:a", User: "boss"}))(t) // the last owner: servers may
	if got := names(t, s, theServer, "room:a", 0); !slices.Equal(got, []string{"mod moderator"}) {
		t.Fatalf("members are %v", got)
	}
}

func TestABannedUserStaysOutUntilUnbanned(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	made(t, s, "room:a", open)
	say(t, s, bob, "room:a", "hello") // as a stranger
	must(s.Ban(ctx, ann, &chatv1.BanRequest{Room: "room:a", User: "bob"}))(t)
	_, err := s.Send(ctx, bob, &chatv1.SendRequest{Id: newID(), Room: "room:a", Text: new(string)})
	if err == nil {
		t.Fatal("a banned user sends")
	}
	for what, do := range map[string]func() error{
		"join":  func() error { _, err := s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}); return err },
		"leave": func() error { _, err := s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"}); return err },
		"read":  func() error { _, err := s.Messages(ctx, bob, &chatv1.MessagesRequest{Room: "room:a"}); return err },
		"look":  func() error { _, err := s.GetRoom(ctx, bob, &chatv1.GetRoomRequest{Room: "room:a"}); return err },
	} {
		if err := do(); err == nil || kindOf(t, err) != Denied {
			t.Errorf("a banned user may %s: %v", what, err)
		}
	}
	if got := must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}, Add: true}))(t); len(got.GetMembers()) != 0 {
		t.Fatalf("a banned user is added: %v", got)
	}
	_, err = s.Kick(ctx, ann, &chatv1.KickRequest{Room: "room:a", User: "bob"})
	expect(t, Conflict, err)
	if got := names(t, s, ann, "room:a", bannedFrom); !slices.Equal(got, []string{"bob "}) {
		t.Fatalf("banned are %v", got)
	}
	if room := must(s.GetRoom(ctx, ann, &chatv1.GetRoomRequest{Room: "room:a"}))(t); room.GetMembers() != 1 {
		t.Fatalf("%d members with a banned one", room.GetMembers())
	}
	must(s.Unban(ctx, ann, &chatv1.UnbanRequest{Room: "room:a", User: "bob"}))(t)
	must(s.Unban(ctx, ann, &chatv1.UnbanRequest{Room: "room:a", User: "bob"}))(t)
	must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}))(t)
	if got := names(t, s, ann, "room:a", bannedFrom); len(got) != 0 {
		t.Fatalf("banned are %v", got)
	}
}

func TestLeavingEndsNoMute(t *testing.T) {
	s, _, later := mortals(t)
	ctx, bob := t.Context(), someone("bob")
	made(t, s, "room:a", open, "bob")
	must(s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "bob", Seconds: 60}))(t)
	speak := func() error {
		text := "x"
		_, err := s.Send(ctx, bob, &chatv1.SendRequest{Id: newID(), Room: "room:a", Text: &text})
		return err
	}
	expect(t, Denied, speak())
	must(s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"}))(t)
	expect(t, Denied, speak())
	if room := must(s.GetRoom(ctx, ann, &chatv1.GetRoomRequest{Room: "room:a"}))(t); room.GetMembers() != 1 {
		t.Fatalf("%d members with a muted one that left", room.GetMembers())
	}
	must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}))(t)
	expect(t, Denied, speak())
	must(s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"}))(t)
	later(2 * time.Minute)
	if err := speak(); err != nil {
		t.Fatal(err)
	}
	if err := s.sweepOnce(ctx); err != nil {
		t.Fatal(err)
	}
	for _, prefix := range []string{roomKey(testFeed("room:a")), asidePrefix(testFeed("room:a"), none)} {
		if rows, _, err := s.tables.List(ctx, layout.Members, prefix, 0, 10); err != nil || slices.ContainsFunc(rows, func(r backbone.Row) bool { return strings.HasSuffix(r.Key, layout.RowKey("bob")) }) {
			t.Fatalf("the mute is left: %v %v", rows, err)
		}
	}
	must(s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "carl", Seconds: 60}))(t) // a stranger
	must(s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "carl"}))(t)
	text := "x"
	must(s.Send(ctx, someone("carl"), &chatv1.SendRequest{Id: newID(), Room: "room:a", Text: &text}))(t)
}

func TestWhoWasInvitedAsOwnerIsOneAtOnce(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	made(t, s, "room:a", group, "carl")
	must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}, Role: chatv1.Role_ROLE_OWNER}))(t)
	if m := must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}))(t); m.GetRole() != chatv1.Role_ROLE_OWNER {
		t.Fatalf("joined as %v", m)
	}
	room := must(loadRow[roomRecord](ctx, s.tables, layout.Rooms, roomKey(testFeed("room:a"))))(t)
	if !slices.Equal(room.value.Owners, []string{"ann", "bob"}) {
		t.Fatalf("owners are %q", room.value.Owners)
	}
	must(s.Leave(ctx, ann, &chatv1.LeaveRequest{Room: "room:a"}))(t)
	_, err := s.Leave(ctx, bob, &chatv1.LeaveRequest{Room: "room:a"})
	expect(t, Denied, err) // the last one stays
}

func TestWhoIsBlockedInvitesNobodyAndIsNotToldSo(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx, bob := t.Context(), someone("bob")
	must(s.Block(ctx, bob, &chatv1.BlockRequest{User: "ann"}))(t)
	made(t, s, "room:a", group, "bob", "carl")
	reply := must(s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob", "dora"}}))(t)
	if got := reply.GetMembers(); len(got) != 1 || got[0].GetUser() != "dora" {
		t.Fatalf("invited %v", got)
	}
	if got := names(t, s, ann, "room:a", 0); !slices.Equal(got, []string{"ann owner", "carl member"}) {
		t.Fatalf("members are %v", got)
	}
	if got := must(s.Blocks(ctx, bob, &chatv1.BlocksRequest{}))(t).GetUsers(); !slices.Equal(got, []string{"ann"}) {
		t.Fatalf("blocked are %v", got)
	}
	_, err := s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{Room: Direct("ann", "bob")})
	expect(t, Denied, err)
	if got := must(s.Block(ctx, bob, &chatv1.BlockRequest{User: "ann", Remove: true}))(t).GetUsers(); len(got) != 0 {
		t.Fatalf("blocked are %v", got)
	}
	must(s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{Room: Direct("ann", "bob")}))(t)
	must(s.Invite(ctx, theServer, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}}))(t)
}
