// Package methods is the list of chat's methods, for gateways: what they are called and how to call them. In come a method's name and its
// request as JSON, as sockets send them; out comes the reply as JSON. Gateways that have decoded a request themselves call Chat's methods.
//
// Names and shapes are those of the chat service in api/chat/v1.
package methods

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Chat is the chat service as its domain answers it: chat.Service, with an actor besides each request. Errors are of type *chat.Error.
type Chat interface {
	Send(ctx context.Context, a chat.Actor, q *chatv1.SendRequest) (*chatv1.Sent, error)
	Edit(ctx context.Context, a chat.Actor, q *chatv1.EditRequest) (*chatv1.Sent, error)
	Delete(ctx context.Context, a chat.Actor, q *chatv1.DeleteRequest) (*chatv1.Sent, error)
	React(ctx context.Context, a chat.Actor, q *chatv1.ReactRequest) (*chatv1.Sent, error)
	Messages(ctx context.Context, a chat.Actor, q *chatv1.MessagesRequest) (*chatv1.MessagesReply, error)
	Search(ctx context.Context, a chat.Actor, q *chatv1.SearchRequest) (*chatv1.SearchReply, error)
	Typing(ctx context.Context, a chat.Actor, q *chatv1.TypingRequest) (*chatv1.TypingReply, error)

	Read(ctx context.Context, a chat.Actor, q *chatv1.ReadRequest) (*chatv1.Marks, error)
	Delivered(ctx context.Context, a chat.Actor, q *chatv1.DeliveredRequest) (*chatv1.Marks, error)
	ReadBy(ctx context.Context, a chat.Actor, q *chatv1.ReadByRequest) (*chatv1.ReadByReply, error)

	CreateRoom(ctx context.Context, a chat.Actor, q *chatv1.CreateRoomRequest) (*chatv1.Room, error)
	GetRoom(ctx context.Context, a chat.Actor, q *chatv1.GetRoomRequest) (*chatv1.Room, error)
	UpdateRoom(ctx context.Context, a chat.Actor, q *chatv1.UpdateRoomRequest) (*chatv1.Room, error)
	DeleteRoom(ctx context.Context, a chat.Actor, q *chatv1.DeleteRoomRequest) (*chatv1.DeleteRoomReply, error)
	Rooms(ctx context.Context, a chat.Actor, q *chatv1.RoomsRequest) (*chatv1.RoomsReply, error)

	Join(ctx context.Context, a chat.Actor, q *chatv1.JoinRequest) (*chatv1.Member, error)
	Leave(ctx context.Context, a chat.Actor, q *chatv1.LeaveRequest) (*chatv1.Member, error)
	Invite(ctx context.Context, a chat.Actor, q *chatv1.InviteRequest) (*chatv1.InviteReply, error)
	Kick(ctx context.Context, a chat.Actor, q *chatv1.KickRequest) (*chatv1.Member, error)
	Ban(ctx context.Context, a chat.Actor, q *chatv1.BanRequest) (*chatv1.Member, error)
	Unban(ctx context.Context, a chat.Actor, q *chatv1.UnbanRequest) (*chatv1.Member, error)
	Mute(ctx context.Context, a chat.Actor, q *chatv1.MuteRequest) (*chatv1.Member, error)
	SetRole(ctx context.Context, a chat.Actor, q *chatv1.SetRoleRequest) (*chatv1.Member, error)
	Members(ctx context.Context, a chat.Actor, q *chatv1.MembersRequest) (*chatv1.MembersReply, error)

	Block(ctx context.Context, a chat.Actor, q *chatv1.BlockRequest) (*chatv1.BlockReply, error)
	Blocks(ctx context.Context, a chat.Actor, q *chatv1.BlocksRequest) (*chatv1.BlockReply, error)
	Presence(ctx context.Context, a chat.Actor, q *chatv1.PresenceRequest) (*chatv1.PresenceReply, error)
	SetStatus(ctx context.Context, a chat.Actor, q *chatv1.SetStatusRequest) (*chatv1.UserPresence, error)

	Announce(ctx context.Context, a chat.Actor, q *chatv1.AnnounceRequest) (*chatv1.AnnounceReply, error)
	Revoke(ctx context.Context, a chat.Actor, q *chatv1.RevokeRequest) (*chatv1.RevokeReply, error)
	ExportUser(ctx context.Context, a chat.Actor, q *chatv1.ExportUserRequest) (*chatv1.ExportUserReply, error)
	EraseUser(ctx context.Context, a chat.Actor, q *chatv1.EraseUserRequest) (*chatv1.EraseUserReply, error)
	DeadLetters(ctx context.Context, a chat.Actor, q *chatv1.DeadLettersRequest) (*chatv1.DeadLettersReply, error)
}
