package methods

import (
	"context"

	"google.golang.org/protobuf/proto"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// recorder remembers the last call, and answers it with an empty reply or an error.
type recorder struct {
	method  string
	actor   chat.Actor
	request proto.Message
	err     error
}

func record[R any](r *recorder, method string, a chat.Actor, q proto.Message) (*R, error) {
	r.method, r.actor, r.request = method, a, q
	return new(R), r.err
}

func (r *recorder) Send(_ context.Context, a chat.Actor, q *chatv1.SendRequest) (*chatv1.Sent, error) {
	return record[chatv1.Sent](r, "Send", a, q)
}

func (r *recorder) Edit(_ context.Context, a chat.Actor, q *chatv1.EditRequest) (*chatv1.Sent, error) {
	return record[chatv1.Sent](r, "Edit", a, q)
}

func (r *recorder) Delete(_ context.Context, a chat.Actor, q *chatv1.DeleteRequest) (*chatv1.Sent, error) {
	return record[chatv1.Sent](r, "Delete", a, q)
}

func (r *recorder) React(_ context.Context, a chat.Actor, q *chatv1.ReactRequest) (*chatv1.Sent, error) {
	return record[chatv1.Sent](r, "React", a, q)
}

func (r *recorder) Messages(_ context.Context, a chat.Actor, q *chatv1.MessagesRequest) (*chatv1.MessagesReply, error) {
	return record[chatv1.MessagesReply](r, "Messages", a, q)
}

func (r *recorder) Search(_ context.Context, a chat.Actor, q *chatv1.SearchRequest) (*chatv1.SearchReply, error) {
	return record[chatv1.SearchReply](r, "Search", a, q)
}

func (r *recorder) Typing(_ context.Context, a chat.Actor, q *chatv1.TypingRequest) (*chatv1.TypingReply, error) {
	return record[chatv1.TypingReply](r, "Typing", a, q)
}

func (r *recorder) Read(_ context.Context, a chat.Actor, q *chatv1.ReadRequest) (*chatv1.Marks, error) {
	return record[chatv1.Marks](r, "Read", a, q)
}

func (r *recorder) Delivered(_ context.Context, a chat.Actor, q *chatv1.DeliveredRequest) (*chatv1.Marks, error) {
	return record[chatv1.Marks](r, "Delivered", a, q)
}

func (r *recorder) ReadBy(_ context.Context, a chat.Actor, q *chatv1.ReadByRequest) (*chatv1.ReadByReply, error) {
	return record[chatv1.ReadByReply](r, "ReadBy", a, q)
}

func (r *recorder) CreateRoom(_ context.Context, a chat.Actor, q *chatv1.CreateRoomRequest) (*chatv1.Room, error) {
	return record[chatv1.Room](r, "CreateRoom", a, q)
}

func (r *recorder) GetRoom(_ context.Context, a chat.Actor, q *chatv1.GetRoomRequest) (*chatv1.Room, error) {
	return record[chatv1.Room](r, "GetRoom", a, q)
}

func (r *recorder) UpdateRoom(_ context.Context, a chat.Actor, q *chatv1.UpdateRoomRequest) (*chatv1.Room, error) {
	return record[chatv1.Room](r, "UpdateRoom", a, q)
}

func (r *recorder) DeleteRoom(_ context.Context, a chat.Actor, q *chatv1.DeleteRoomRequest) (*chatv1.DeleteRoomReply, error) {
	return record[chatv1.DeleteRoomReply](r, "DeleteRoom", a, q)
}

func (r *recorder) Rooms(_ context.Context, a chat.Actor, q *chatv1.RoomsRequest) (*chatv1.RoomsReply, error) {
	return record[chatv1.RoomsReply](r, "Rooms", a, q)
}

func (r *recorder) Join(_ context.Context, a chat.Actor, q *chatv1.JoinRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "Join", a, q)
}

func (r *recorder) Leave(_ context.Context, a chat.Actor, q *chatv1.LeaveRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "Leave", a, q)
}

func (r *recorder) Invite(_ context.Context, a chat.Actor, q *chatv1.InviteRequest) (*chatv1.InviteReply, error) {
	return record[chatv1.InviteReply](r, "Invite", a, q)
}

func (r *recorder) Kick(_ context.Context, a chat.Actor, q *chatv1.KickRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "Kick", a, q)
}

func (r *recorder) Ban(_ context.Context, a chat.Actor, q *chatv1.BanRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "Ban", a, q)
}

func (r *recorder) Unban(_ context.Context, a chat.Actor, q *chatv1.UnbanRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "Unban", a, q)
}

func (r *recorder) Mute(_ context.Context, a chat.Actor, q *chatv1.MuteRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "Mute", a, q)
}

func (r *recorder) SetRole(_ context.Context, a chat.Actor, q *chatv1.SetRoleRequest) (*chatv1.Member, error) {
	return record[chatv1.Member](r, "SetRole", a, q)
}

func (r *recorder) Members(_ context.Context, a chat.Actor, q *chatv1.MembersRequest) (*chatv1.MembersReply, error) {
	return record[chatv1.MembersReply](r, "Members", a, q)
}

func (r *recorder) Block(_ context.Context, a chat.Actor, q *chatv1.BlockRequest) (*chatv1.BlockReply, error) {
	return record[chatv1.BlockReply](r, "Block", a, q)
}

func (r *recorder) Blocks(_ context.Context, a chat.Actor, q *chatv1.BlocksRequest) (*chatv1.BlockReply, error) {
	return record[chatv1.BlockReply](r, "Blocks", a, q)
}

func (r *recorder) Presence(_ context.Context, a chat.Actor, q *chatv1.PresenceRequest) (*chatv1.PresenceReply, error) {
	return record[chatv1.PresenceReply](r, "Presence", a, q)
}

func (r *recorder) SetStatus(_ context.Context, a chat.Actor, q *chatv1.SetStatusRequest) (*chatv1.UserPresence, error) {
	return record[chatv1.UserPresence](r, "SetStatus", a, q)
}

func (r *recorder) Announce(_ context.Context, a chat.Actor, q *chatv1.AnnounceRequest) (*chatv1.AnnounceReply, error) {
	return record[chatv1.AnnounceReply](r, "Announce", a, q)
}

func (r *recorder) Revoke(_ context.Context, a chat.Actor, q *chatv1.RevokeRequest) (*chatv1.RevokeReply, error) {
	return record[chatv1.RevokeReply](r, "Revoke", a, q)
}

func (r *recorder) ExportUser(_ context.Context, a chat.Actor, q *chatv1.ExportUserRequest) (*chatv1.ExportUserReply, error) {
	return record[chatv1.ExportUserReply](r, "ExportUser", a, q)
}

func (r *recorder) EraseUser(_ context.Context, a chat.Actor, q *chatv1.EraseUserRequest) (*chatv1.EraseUserReply, error) {
	return record[chatv1.EraseUserReply](r, "EraseUser", a, q)
}

func (r *recorder) DeadLetters(_ context.Context, a chat.Actor, q *chatv1.DeadLettersRequest) (*chatv1.DeadLettersReply, error) {
	return record[chatv1.DeadLettersReply](r, "DeadLetters", a, q)
}
