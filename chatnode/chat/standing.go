package chat

import (
	"context"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// standing is everything on which it depends what an actor may do in a room.
type standing struct {
	actor Actor
	feed  backbone.Feed
	// other is the other user of a direct conversation, and blocked says that this one takes no messages from the actor.
	other   string
	blocked bool
	room    record[roomRecord]
	member  record[memberRecord]
}

// kind is the room's. One that nobody made is open.
func (st *standing) kind() chatv1.RoomKind {
	switch {
	case st.other != "":
		return direct
	case !st.room.exists():
		return open
	}
	return st.room.value.Kind
}

// place is the actor's in the room.
func (st *standing) place() place {
	switch m := st.member.value; {
	case st.actor.Server:
		return server
	case st.other != "":
		return member // who is neither of the two doesn't come so far
	case m.Membership == chatv1.Membership_MEMBERSHIP_BANNED:
		return banned
	case m.Membership == chatv1.Membership_MEMBERSHIP_INVITED:
		return invited
	case m.Membership != chatv1.Membership_MEMBERSHIP_JOINED:
		return stranger
	default:
		return placeOf(m.Role)
	}
}

func placeOf(role chatv1.Role) place {
	switch role {
	case chatv1.Role_ROLE_OWNER:
		return owner
	case chatv1.Role_ROLE_MODERATOR:
		return moderator
	case chatv1.Role_ROLE_READER:
		return reader
	default:
		return member
	}
}

// floor is the offset up to which the room's history is not for the actor.
func (st *standing) floor() uint64 {
	if st.room.value.History != chatv1.HistoryPolicy_HISTORY_POLICY_SINCE_JOINED || st.actor.Server {
		return st.room.value.Begins
	}
	if st.member.value.Membership != chatv1.Membership_MEMBERSHIP_JOINED {
		return NoHistory
	}
	return max(st.member.value.Floor, st.room.value.Begins)
}

// stand finds out how the actor stands to a conversation: a room: or dm: channel. Errors: Invalid, Denied, NotFound, Unavailable.
func (s *Service) stand(ctx context.Context, a Actor, name string) (standing, error) {
	st, err := s.stranger(a, name)
	if err != nil {
		return st, err
	}
	if st.room, err = s.rooms.get(ctx, roomKey(st.feed)); err != nil {
		return st, fromLog(err)
	}
	switch {
	case a.Server:
	case st.other != "":
		person, e := s.people.get(ctx, personKey(a.App, st.other))
		err, st.blocked = e, slices.Contains(person.value.Blocked, a.User)
	default:
		st.member, err = s.members.get(ctx, memberKey(st.feed, a.User))
	}
	if err != nil {
		return st, fromLog(err)
	}
	return st, s.settled(&st)
}

// known is stand for what this node remembers; ok is false if it has to ask.
func (s *Service) known(a Actor, name string) (st standing, ok bool, err error) {
	if st, err = s.stranger(a, name); err != nil {
		return st, true, err
	}
	if st.room, ok = s.rooms.peek(roomKey(st.feed)); !ok {
		return st, false, nil
	}
	switch {
	case a.Server:
	case st.other != "":
		var person record[personRecord]
		person, ok = s.people.peek(personKey(a.App, st.other))
		st.blocked = slices.Contains(person.value.Blocked, a.User)
	default:
		st.member, ok = s.members.peek(memberKey(st.feed, a.User))
	}
	if !ok {
		return st, false, nil
	}
	return st, true, s.settled(&st)
}

// settled refuses rooms that nobody made, unless they are allowed. A direct conversation that was deleted is one that has not begun.
func (s *Service) settled(st *standing) error {
	if r := st.room.value; st.other != "" && r.Gone {
		st.room = record[roomRecord]{value: roomRecord{Kind: direct, Begins: r.Begins}}
	}
	if st.other == "" && !st.room.exists() && !s.options.ImplicitRooms {
		return failf(NotFound, "there is no %s; make it first", Channel(st.feed))
	}
	return nil
}

// stranger is the standing of an actor of whom nothing is known yet.
func (s *Service) stranger(a Actor, name string) (standing, error) {
	feed, other, err := s.conversation(a, name)
	return standing{actor: a, feed: feed, other: other}, err
}

// allow is stand for one right.
func (s *Service) allow(ctx context.Context, a Actor, name string, r right) (standing, error) {
	st, err := s.stand(ctx, a, name)
	if err != nil {
		return st, err
	}
	return st, st.may(r, s.options.Now())
}
