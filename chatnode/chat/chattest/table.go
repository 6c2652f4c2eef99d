package chattest

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// row says who may call a method, by the kind of room. Of a direct conversation, "member" is each of its two users, and "blocked" one whom the
// other has blocked.
type row struct {
	method string
	// what tells several uses of one method apart.
	what                         string
	group, open, channel, direct string
	// own says that the request concerns a message of the actor's own.
	own     bool
	request func(st *stage) proto.Message
}

const (
	all      = "stranger invited reader member moderator owner server"
	users    = "stranger invited reader member moderator owner"
	readers  = "reader member moderator owner server"
	marked   = "reader member moderator owner"
	speakers = "stranger invited member moderator owner server"
	writers  = "member moderator owner server"
	staff    = "moderator owner server"
	owners   = "owner server"
	pair     = "member server"
	both     = "member blocked"
	either   = both + " server"
	nobody   = ""
)

// table is every method that concerns a room.
var table = []row{
	{"Send", "", writers, speakers, staff, pair, false, func(st *stage) proto.Message {
		return &chatv1.SendRequest{Id: newID(), Room: st.room, Data: structpb.NewStringValue("x")}
	}},
	{"Edit", "one's own", writers, speakers, staff, pair, true, func(st *stage) proto.Message {
		return &chatv1.EditRequest{Id: newID(), Room: st.room, Offset: st.message, Data: structpb.NewStringValue("y")}
	}},
	{"Edit", "another's", "server", "server", "server", "server", false, func(st *stage) proto.Message {
		return &chatv1.EditRequest{Id: newID(), Room: st.room, Offset: st.message, Data: structpb.NewStringValue("y")}
	}},
	{"Delete", "one's own", writers, speakers, staff, either, true, func(st *stage) proto.Message {
		return &chatv1.DeleteRequest{Id: newID(), Room: st.room, Offset: st.message}
	}},
	{"Delete", "another's", staff, staff, staff, "server", false, func(st *stage) proto.Message {
		return &chatv1.DeleteRequest{Id: newID(), Room: st.room, Offset: st.message}
	}},
	{"React", "", writers, speakers, writers, either, false, func(st *stage) proto.Message {
		return &chatv1.ReactRequest{Id: newID(), Room: st.room, Offset: st.message, Reaction: "+1"}
	}},
	{"Messages", "", readers, all, all, either, false, func(st *stage) proto.Message {
		return &chatv1.MessagesRequest{Room: st.room}
	}},
	{"Typing", "", writers, speakers, staff, pair, false, func(st *stage) proto.Message {
		return &chatv1.TypingRequest{Room: st.room, Typing: true}
	}},
	{"Read", "", marked, marked, marked, both, false, func(st *stage) proto.Message {
		return &chatv1.ReadRequest{Room: st.room, Offset: st.message}
	}},
	{"Delivered", "", marked, marked, marked, both, false, func(st *stage) proto.Message {
		return &chatv1.DeliveredRequest{Room: st.room, Offset: st.message}
	}},
	{"ReadBy", "", readers, all, readers, either, false, func(st *stage) proto.Message {
		return &chatv1.ReadByRequest{Room: st.room}
	}},
	{"GetRoom", "", "invited " + readers, all, all, either, false, func(st *stage) proto.Message {
		return &chatv1.GetRoomRequest{Room: st.room}
	}},
	{"UpdateRoom", "", owners, owners, owners, "server", false, func(st *stage) proto.Message {
		return &chatv1.UpdateRoomRequest{Room: st.room, RetentionSeconds: proto.Int64(3600)}
	}},
	{"DeleteRoom", "", owners, owners, owners, "server", false, func(st *stage) proto.Message {
		return &chatv1.DeleteRoomRequest{Room: st.room}
	}},
	{"Join", "", "invited " + marked, users, users, nobody, false, func(st *stage) proto.Message {
		return &chatv1.JoinRequest{Room: st.room}
	}},
	{"Leave", "", users, users, users, nobody, false, func(st *stage) proto.Message {
		return &chatv1.LeaveRequest{Room: st.room}
	}},
	{"Invite", "", writers, writers, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.InviteRequest{Room: st.room, Users: []string{"newcomer"}}
	}},
	{"Invite", "and add", staff, staff, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.InviteRequest{Room: st.room, Users: []string{"newcomer"}, Add: true}
	}},
	{"Invite", "moderators", owners, owners, owners, nobody, false, func(st *stage) proto.Message {
		return &chatv1.InviteRequest{Room: st.room, Users: []string{"newcomer"}, Role: chatv1.Role_ROLE_MODERATOR}
	}},
	{"Kick", "", staff, staff, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.KickRequest{Room: st.room, User: st.other}
	}},
	{"Kick", "a moderator", owners, owners, owners, nobody, false, func(st *stage) proto.Message {
		return &chatv1.KickRequest{Room: st.room, User: st.second}
	}},
	{"Ban", "", staff, staff, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.BanRequest{Room: st.room, User: st.other}
	}},
	{"Ban", "an owner", "server", "server", "server", nobody, false, func(st *stage) proto.Message {
		return &chatv1.BanRequest{Room: st.room, User: st.boss}
	}},
	{"Unban", "", staff, staff, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.UnbanRequest{Room: st.room, User: "outlaw"}
	}},
	{"Mute", "", staff, staff, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.MuteRequest{Room: st.room, User: st.other, Seconds: 60}
	}},
	{"SetRole", "", owners, owners, owners, nobody, false, func(st *stage) proto.Message {
		return &chatv1.SetRoleRequest{Room: st.room, User: st.other, Role: chatv1.Role_ROLE_READER}
	}},
	{"SetRole", "of an owner", "server", "server", "server", nobody, false, func(st *stage) proto.Message {
		return &chatv1.SetRoleRequest{Room: st.room, User: st.boss, Role: chatv1.Role_ROLE_READER}
	}},
	{"Members", "", readers, all, readers, either, false, func(st *stage) proto.Message {
		return &chatv1.MembersRequest{Room: st.room}
	}},
	{"Members", "who are banned", staff, staff, staff, nobody, false, func(st *stage) proto.Message {
		return &chatv1.MembersRequest{Room: st.room, Membership: chatv1.Membership_MEMBERSHIP_BANNED}
	}},
}
