package chat

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// meet makes the records of a direct conversation: it comes on the lists of both users. The room's record is the last, so that what a
// crash leaves undone is done by the next message.
func (s *Service) meet(ctx context.Context, st *standing) error {
	if err := s.mayMake(ctx, st.feed); err != nil {
		return err
	}
	now := s.options.Now().UnixMilli()
	users := directUsers(st.feed.Name)
	for _, user := range users {
		if _, err := s.setMember(ctx, st.feed, user, memberRecord{
			Membership: chatv1.Membership_MEMBERSHIP_JOINED, Role: chatv1.Role_ROLE_MEMBER, Since: now, By: st.actor.User,
			Changed: now, // the sweeper leaves it alone until the room's record is there
		}); err != nil {
			return err
		}
		if err := s.list(ctx, st.feed, user, st.room.value.Begins, false); err != nil {
			return err
		}
	}
	room, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(st.feed), func(r *record[roomRecord]) error {
		if r.exists() && !r.value.Gone {
			return errKeep
		}
		r.value = roomRecord{Kind: direct, Begins: r.value.Begins, Created: now, CreatedBy: st.actor.User}
		return nil
	})
	if err != nil {
		return err
	}
	st.room = room
	s.rooms.forget(roomKey(st.feed))
	for _, user := range users {
		if err := s.tell(ctx, st.feed.App, user, conversationChange(st.feed, "created")); err != nil {
			return err
		}
	}
	return nil
}

// setMember writes how a user stands to a room.
func (s *Service) setMember(ctx context.Context, feed backbone.Feed, user string, m memberRecord) (record[memberRecord], error) {
	key := memberKey(feed, user)
	r, err := changeRow(ctx, s.tables, layout.Members, key, func(r *record[memberRecord]) error {
		if r.exists() && r.value == m {
			return errKeep
		}
		r.value = m
		return nil
	})
	s.members.forget(key)
	return r, err
}

// list puts a room on a user's list, where what is up to floor doesn't count as unread, and nothing does for who is only invited.
func (s *Service) list(ctx context.Context, feed backbone.Feed, user string, floor uint64, invited bool) error {
	_, err := changeRow(ctx, s.tables, layout.Inbox, inboxKey(feed, user), func(r *record[inboxRecord]) error {
		if r.exists() && r.value.Floor >= floor && r.value.Invited == invited {
			return errKeep
		}
		if !r.exists() {
			r.value.Listed = s.options.Now().UnixMicro()
		}
		r.value.Floor, r.value.Invited = max(r.value.Floor, floor), invited
		return nil
	})
	return err
}

// conversationEvent tells a user on the personal feed that a room came on, changed on, or went from the user's list.
type conversationEvent struct {
	Type   string `json:"type"` // "conversation"
	Room   string `json:"room"`
	Change string `json:"change"`
}

func conversationChange(feed backbone.Feed, change string) conversationEvent {
	return conversationEvent{"conversation", Channel(feed), change}
}

// tell stores an event in a user's personal feed.
func (s *Service) tell(ctx context.Context, app, user string, event any) error {
	data, err := json.Marshal(event)
	if err != nil {
		return fromLog(err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fromLog(err)
	}
	feed := backbone.Feed{Kind: layout.User, App: app, Name: user}
	_, err = s.log.Enqueue(feed, backbone.Draft{ID: id.String(), Sender: serverSender, Data: data}).Wait(ctx)
	return fromLog(err)
}
