package chat

import (
	"fmt"
	"testing"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

func TestLimitsOfMembersRoomsAndBlocks(t *testing.T) {
	limits := noLimits
	limits.MembersPerRoom, limits.RoomsPerUser = 3, 2
	s, _ := start(t, limits)
	ctx, bob := t.Context(), someone("bob")
	made(t, s, "room:a", open, "x", "y")
	_, err := s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"})
	expect(t, Limit, err)
	_, err = s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"bob"}})
	expect(t, Limit, err)
	must(s.Leave(ctx, someone("x"), &chatv1.LeaveRequest{Room: "room:a"}))(t)
	must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:a"}))(t)
	made(t, s, "room:b", open)
	must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:b"}))(t)
	_, err = s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:c"})
	expect(t, Limit, err)
	_, err = s.CreateRoom(ctx, ann, &chatv1.CreateRoomRequest{})
	expect(t, Limit, err)
	if got := must(s.CreateRoom(ctx, someone("z"), &chatv1.CreateRoomRequest{Members: []string{"ann", "y"}}))(t); got.GetMembers() != 2 {
		t.Fatalf("%d members, one of whom has no place for the room", got.GetMembers())
	}
	must(s.Join(ctx, bob, &chatv1.JoinRequest{Room: "room:b"}))(t) // is in it already
}

func TestWrongRequestsOfMembershipGetTheirError(t *testing.T) {
	s, _ := start(t, noLimits)
	ctx := t.Context()
	made(t, s, "room:a", group, "bob")
	many := make([]string, maxInvited+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	for name, c := range map[string]struct {
		want Kind
		do   func() error
	}{
		"a server joins":  {Invalid, func() error { _, err := s.Join(ctx, theServer, &chatv1.JoinRequest{Room: "room:a"}); return err }},
		"a server leaves": {Invalid, func() error { _, err := s.Leave(ctx, theServer, &chatv1.LeaveRequest{Room: "room:a"}); return err }},
		"anonymous joins": {Denied, func() error { _, err := s.Join(ctx, anon, &chatv1.JoinRequest{Room: "room:b"}); return err }},
		"join no room":    {Invalid, func() error { _, err := s.Join(ctx, ann, &chatv1.JoinRequest{}); return err }},
		"invite nobody":   {Invalid, func() error { _, err := s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a"}); return err }},
		"invite the nameless": {Invalid, func() error {
			_, err := s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{""}})
			return err
		}},
		"invite too many": {Invalid, func() error {
			_, err := s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: many})
			return err
		}},
		"invite as what": {Invalid, func() error {
			_, err := s.Invite(ctx, ann, &chatv1.InviteRequest{Room: "room:a", Users: []string{"x"}, Role: 9})
			return err
		}},
		"kick a stranger": {NotFound, func() error { _, err := s.Kick(ctx, ann, &chatv1.KickRequest{Room: "room:a", User: "x"}); return err }},
		"kick nobody":     {Invalid, func() error { _, err := s.Kick(ctx, ann, &chatv1.KickRequest{Room: "room:a"}); return err }},
		"ban oneself":     {Denied, func() error { _, err := s.Ban(ctx, ann, &chatv1.BanRequest{Room: "room:a", User: "ann"}); return err }},
		"mute a stranger": {NotFound, func() error {
			_, err := s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "x", Seconds: 1})
			return err
		}},
		"mute backwards": {Invalid, func() error {
			_, err := s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "bob", Seconds: -1})
			return err
		}},
		"mute for ever": {Invalid, func() error {
			_, err := s.Mute(ctx, ann, &chatv1.MuteRequest{Room: "room:a", User: "bob", Seconds: 1 << 62})
			return err
		}},
		"role of a stranger": {NotFound, func() error {
			_, err := s.SetRole(ctx, ann, &chatv1.SetRoleRequest{Room: "room:a", User: "x", Role: asMember})
			return err
		}},
		"no role": {Invalid, func() error {
			_, err := s.SetRole(ctx, ann, &chatv1.SetRoleRequest{Room: "room:a", User: "bob"})
			return err
		}},
		"members with what": {Invalid, func() error {
			_, err := s.Members(ctx, ann, &chatv1.MembersRequest{Room: "room:a", Membership: 9})
			return err
		}},
		"members from where": {Invalid, func() error {
			_, err := s.Members(ctx, ann, &chatv1.MembersRequest{Room: "room:a", Cursor: "x"})
			return err
		}},
		"members from behind": {Invalid, func() error {
			_, err := s.Members(ctx, ann, &chatv1.MembersRequest{Room: "room:a", Cursor: "18446744073709551615"})
			return err
		}},
		"members of too many": {Invalid, func() error {
			_, err := s.Members(ctx, ann, &chatv1.MembersRequest{Room: "room:a", Limit: maxMembers + 1})
			return err
		}},
		"a member's bans": {Denied, func() error {
			_, err := s.Members(ctx, someone("bob"), &chatv1.MembersRequest{Room: "room:a", Membership: bannedFrom})
			return err
		}},
		"block oneself":    {Invalid, func() error { _, err := s.Block(ctx, ann, &chatv1.BlockRequest{User: "ann"}); return err }},
		"block nobody":     {Invalid, func() error { _, err := s.Block(ctx, ann, &chatv1.BlockRequest{}); return err }},
		"a server blocks":  {Invalid, func() error { _, err := s.Block(ctx, theServer, &chatv1.BlockRequest{User: "ann"}); return err }},
		"anonymous blocks": {Denied, func() error { _, err := s.Blocks(ctx, anon, &chatv1.BlocksRequest{}); return err }},
	} {
		if err := c.do(); err == nil || kindOf(t, err) != c.want {
			t.Errorf("%s: %v, want kind %d", name, err, c.want)
		}
	}
}
