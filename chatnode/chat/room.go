package chat

import (
	"context"

	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// GetRoom tells of one room: to its members and to those who are invited, and of a room that everybody may read or join, to everybody.
// Errors: Invalid, Denied, NotFound, Unavailable.
func (s *Service) GetRoom(ctx context.Context, a Actor, q *chatv1.GetRoomRequest) (*chatv1.Room, error) {
	st, err := s.allow(ctx, a, q.GetRoom(), toLook)
	if err != nil {
		return nil, err
	}
	return s.roomOf(ctx, &st)
}

// roomOf is a room as the actor sees it.
func (s *Service) roomOf(ctx context.Context, st *standing) (*chatv1.Room, error) {
	answer, err := st.describe()
	if err != nil {
		return nil, err
	}
	n := 2
	if st.other != "" {
		users := directUsers(st.feed.Name)
		if users[0] == users[1] {
			n = 1
		}
	} else if n, err = s.shownMembers(ctx, st); err != nil {
		return nil, err
	}
	answer.Members = uint32(n)
	return answer, nil
}

// describe is a room as the actor sees it, without the number of its members.
func (st *standing) describe() (*chatv1.Room, error) {
	r := st.room.value
	answer := &chatv1.Room{
		Room: Channel(st.feed), Kind: st.kind(), Title: r.Title, Join: r.Join, History: r.History, RetentionSeconds: r.Retention,
		Archived: r.Archived, Created: r.Created, CreatedBy: r.CreatedBy,
	}
	if len(r.Data) > 0 {
		answer.Data = &structpb.Struct{}
		if err := answer.Data.UnmarshalJSON(r.Data); err != nil {
			return nil, fromLog(err)
		}
	}
	switch {
	case st.actor.Server:
	case st.other != "":
		answer.Me = memberOf(answer.Room, st.actor.User, memberRecord{Membership: joined, Role: chatv1.Role_ROLE_MEMBER, Since: r.Created})
	default:
		answer.Me = memberOf(answer.Room, st.actor.User, st.member.value)
	}
	return answer, nil
}
