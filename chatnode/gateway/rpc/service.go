package rpc

import (
	"context"
	"fmt"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/chat/methods"
)

// service is what the generated handlers call.
type service struct{ *Gateway }

// call has chat answer a request in time, and says in the wire's words what went wrong.
func call[Q, R any](
	ctx context.Context, s *service, q *Q, do func(methods.Chat, context.Context, chat.Actor, *Q) (*R, error),
) (*R, error) {
	bounded, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	o := outcomeOf(ctx)
	reply, err := do(s.options.Chat, bounded, actorOf(ctx), q)
	if err == nil {
		o.code = "ok"
		return reply, nil
	}
	told, known := failure(err)
	if !known {
		s.options.Logger.Error("a request failed", "request", fmt.Sprintf("%T", q), "error", err)
	}
	o.code = told.Code().String()
	return nil, told
}

func (s *service) Send(ctx context.Context, q *chatv1.SendRequest) (*chatv1.Sent, error) {
	return call(ctx, s, q, methods.Chat.Send)
}

func (s *service) Edit(ctx context.Context, q *chatv1.EditRequest) (*chatv1.Sent, error) {
	return call(ctx, s, q, methods.Chat.Edit)
}

func (s *service) Delete(ctx context.Context, q *chatv1.DeleteRequest) (*chatv1.Sent, error) {
	return call(ctx, s, q, methods.Chat.Delete)
}

func (s *service) React(ctx context.Context, q *chatv1.ReactRequest) (*chatv1.Sent, error) {
	return call(ctx, s, q, methods.Chat.React)
}

func (s *service) Messages(ctx context.Context, q *chatv1.MessagesRequest) (*chatv1.MessagesReply, error) {
	return call(ctx, s, q, methods.Chat.Messages)
}

func (s *service) Search(ctx context.Context, q *chatv1.SearchRequest) (*chatv1.SearchReply, error) {
	return call(ctx, s, q, methods.Chat.Search)
}

func (s *service) Typing(ctx context.Context, q *chatv1.TypingRequest) (*chatv1.TypingReply, error) {
	return call(ctx, s, q, methods.Chat.Typing)
}

func (s *service) Read(ctx context.Context, q *chatv1.ReadRequest) (*chatv1.Marks, error) {
	return call(ctx, s, q, methods.Chat.Read)
}

func (s *service) Delivered(ctx context.Context, q *chatv1.DeliveredRequest) (*chatv1.Marks, error) {
	return call(ctx, s, q, methods.Chat.Delivered)
}

func (s *service) ReadBy(ctx context.Context, q *chatv1.ReadByRequest) (*chatv1.ReadByReply, error) {
	return call(ctx, s, q, methods.Chat.ReadBy)
}

func (s *service) CreateRoom(ctx context.Context, q *chatv1.CreateRoomRequest) (*chatv1.Room, error) {
	return call(ctx, s, q, methods.Chat.CreateRoom)
}

func (s *service) GetRoom(ctx context.Context, q *chatv1.GetRoomRequest) (*chatv1.Room, error) {
	return call(ctx, s, q, methods.Chat.GetRoom)
}

func (s *service) UpdateRoom(ctx context.Context, q *chatv1.UpdateRoomRequest) (*chatv1.Room, error) {
	return call(ctx, s, q, methods.Chat.UpdateRoom)
}

func (s *service) DeleteRoom(ctx context.Context, q *chatv1.DeleteRoomRequest) (*chatv1.DeleteRoomReply, error) {
	return call(ctx, s, q, methods.Chat.DeleteRoom)
}

func (s *service) Rooms(ctx context.Context, q *chatv1.RoomsRequest) (*chatv1.RoomsReply, error) {
	return call(ctx, s, q, methods.Chat.Rooms)
}

func (s *service) Join(ctx context.Context, q *chatv1.JoinRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.Join)
}

func (s *service) Leave(ctx context.Context, q *chatv1.LeaveRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.Leave)
}

func (s *service) Invite(ctx context.Context, q *chatv1.InviteRequest) (*chatv1.InviteReply, error) {
	return call(ctx, s, q, methods.Chat.Invite)
}

func (s *service) Kick(ctx context.Context, q *chatv1.KickRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.Kick)
}

func (s *service) Ban(ctx context.Context, q *chatv1.BanRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.Ban)
}

func (s *service) Unban(ctx context.Context, q *chatv1.UnbanRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.Unban)
}

func (s *service) Mute(ctx context.Context, q *chatv1.MuteRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.Mute)
}

func (s *service) SetRole(ctx context.Context, q *chatv1.SetRoleRequest) (*chatv1.Member, error) {
	return call(ctx, s, q, methods.Chat.SetRole)
}

func (s *service) Members(ctx context.Context, q *chatv1.MembersRequest) (*chatv1.MembersReply, error) {
	return call(ctx, s, q, methods.Chat.Members)
}

func (s *service) Block(ctx context.Context, q *chatv1.BlockRequest) (*chatv1.BlockReply, error) {
	return call(ctx, s, q, methods.Chat.Block)
}

func (s *service) Blocks(ctx context.Context, q *chatv1.BlocksRequest) (*chatv1.BlockReply, error) {
	return call(ctx, s, q, methods.Chat.Blocks)
}

func (s *service) Presence(ctx context.Context, q *chatv1.PresenceRequest) (*chatv1.PresenceReply, error) {
	return call(ctx, s, q, methods.Chat.Presence)
}

func (s *service) SetStatus(ctx context.Context, q *chatv1.SetStatusRequest) (*chatv1.UserPresence, error) {
	return call(ctx, s, q, methods.Chat.SetStatus)
}

func (s *service) Announce(ctx context.Context, q *chatv1.AnnounceRequest) (*chatv1.AnnounceReply, error) {
	return call(ctx, s, q, methods.Chat.Announce)
}

func (s *service) Revoke(ctx context.Context, q *chatv1.RevokeRequest) (*chatv1.RevokeReply, error) {
	return call(ctx, s, q, methods.Chat.Revoke)
}

func (s *service) ExportUser(ctx context.Context, q *chatv1.ExportUserRequest) (*chatv1.ExportUserReply, error) {
	return call(ctx, s, q, methods.Chat.ExportUser)
}

func (s *service) EraseUser(ctx context.Context, q *chatv1.EraseUserRequest) (*chatv1.EraseUserReply, error) {
	return call(ctx, s, q, methods.Chat.EraseUser)
}

func (s *service) DeadLetters(ctx context.Context, q *chatv1.DeadLettersRequest) (*chatv1.DeadLettersReply, error) {
	return call(ctx, s, q, methods.Chat.DeadLetters)
}
