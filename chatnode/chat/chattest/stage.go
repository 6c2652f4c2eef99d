package chattest

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// stage is a room with people: boss is an owner, second a moderator, other a member, outlaw is banned.
type stage struct {
	room                       string
	actor, boss, second, other string
	message                    uint64
}

// Names of those who are on every stage. Actors have names like "member-actor".
const (
	boss   = "boss"
	second = "second"
	other  = "other"
	outlaw = "outlaw"
)

// set makes the room, and lets the actor stand to it as the case says.
func (c *Case) set(ctx context.Context, server, user Caller) (*stage, error) {
	st := &stage{boss: boss, second: second, other: other}
	if c.As != "server" {
		st.actor = cmp.Or(c.Actor, c.As+"-actor")
	}
	if c.Kind == chatv1.RoomKind_ROOM_KIND_DIRECT {
		return st, c.setDirect(ctx, st, user, server)
	}
	st.room = cmp.Or(c.Room, "room:"+newID())
	play := script{ctx: ctx, server: server}
	play.do("CreateRoom", &chatv1.CreateRoomRequest{Room: st.room, Kind: c.Kind, Members: []string{boss, second, other}})
	play.do("SetRole", &chatv1.SetRoleRequest{Room: st.room, User: boss, Role: chatv1.Role_ROLE_OWNER})
	play.do("SetRole", &chatv1.SetRoleRequest{Room: st.room, User: second, Role: chatv1.Role_ROLE_MODERATOR})
	play.do("Ban", &chatv1.BanRequest{Room: st.room, User: outlaw})
	if play.err != nil {
		return nil, play.err
	}
	var err error
	switch {
	case !c.row.own:
		st.message, err = say(ctx, user, boss, st.room)
	case c.As == "server":
		st.message, err = say(ctx, server, "", st.room)
	default: // whatever the actor may do in the case, before it the actor could write
		play.do("Invite", &chatv1.InviteRequest{Room: st.room, Users: []string{st.actor}, Add: true, Role: chatv1.Role_ROLE_OWNER})
		if play.err == nil {
			st.message, err = say(ctx, user, st.actor, st.room)
		}
		play.do("Kick", &chatv1.KickRequest{Room: st.room, User: st.actor})
	}
	if err != nil {
		return nil, err
	}
	c.enter(&play, st)
	return st, play.err
}

// enter gives the actor the place of the case.
func (c *Case) enter(play *script, st *stage) {
	roles := map[string]chatv1.Role{
		"reader": chatv1.Role_ROLE_READER, "member": chatv1.Role_ROLE_MEMBER, "moderator": chatv1.Role_ROLE_MODERATOR, "owner": chatv1.Role_ROLE_OWNER,
	}
	switch c.As {
	case "invited":
		play.do("Invite", &chatv1.InviteRequest{Room: st.room, Users: []string{st.actor}})
	case "banned":
		play.do("Ban", &chatv1.BanRequest{Room: st.room, User: st.actor})
	default:
		if role, ok := roles[c.As]; ok {
			play.do("Invite", &chatv1.InviteRequest{Room: st.room, Users: []string{st.actor}, Add: true, Role: role})
		}
	}
}

// setDirect lets two users have talked, of whom the actor is one or not. One of them may have blocked the other since.
func (c *Case) setDirect(ctx context.Context, st *stage, user, server Caller) (err error) {
	st.other = other + "-" + newID() // so that every case has a conversation of its own
	with, isOne := boss, c.As == "member" || c.As == "blocked"
	if isOne {
		with = st.actor
	}
	st.room = "dm:" + min(with, st.other) + "," + max(with, st.other)
	call, sender := user, st.other
	if c.row.own && isOne {
		sender = with
	} else if c.row.own && c.As == "server" {
		call, sender = server, ""
	}
	st.message, err = say(ctx, call, sender, st.room)
	if err == nil && c.As == "blocked" {
		_, err = user(ctx, st.other, "Block", &chatv1.BlockRequest{User: st.actor})
	}
	return err
}

// say sends a message and gives its offset.
func say(ctx context.Context, call Caller, sender, room string) (uint64, error) {
	reply, err := call(ctx, sender, "Send", &chatv1.SendRequest{Id: newID(), Room: room, Data: structpb.NewStringValue("x")})
	if err != nil {
		return 0, err
	}
	sent, ok := reply.(*chatv1.Sent)
	if !ok {
		return 0, fmt.Errorf("the answer to a message is a %T", reply)
	}
	return sent.GetOffset(), nil
}

// script is what servers do one after the other, up to the first failure.
type script struct {
	ctx    context.Context
	server Caller
	err    error
}

func (s *script) do(method string, request proto.Message) {
	if s.err == nil {
		if _, err := s.server(s.ctx, "", method, request); err != nil {
			s.err = fmt.Errorf("%s: %w", method, err)
		}
	}
}
