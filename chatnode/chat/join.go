package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// fresh is allow for what was decided anywhere in the fleet until now, and not a moment ago.
func (s *Service) fresh(ctx context.Context, a Actor, room string, r right) (standing, error) {
	feed, _, err := s.conversation(a, room)
	if err != nil {
		return standing{}, err
	}
	s.rooms.forget(roomKey(feed))
	s.members.forget(memberKey(feed, a.User))
	return s.allow(ctx, a, room, r)
}

// onlyUsers refuses servers what one can only do for oneself.
func onlyUsers(a Actor, what, instead string) error {
	if a.Server {
		return failf(Invalid, "a server has no membership to %s: act for a user, or %s", what, instead)
	}
	return nil
}

// Join makes the user a member of a room that is open, or to which the user is invited. Errors: Invalid, Denied, NotFound, Limit, Conflict,
// Unavailable.
func (s *Service) Join(ctx context.Context, a Actor, q *chatv1.JoinRequest) (*chatv1.Member, error) {
	if err := onlyUsers(a, "begin", "call Invite with add"); err != nil {
		return nil, err
	}
	st, err := s.fresh(ctx, a, q.GetRoom(), toJoin)
	if err != nil {
		return nil, err
	}
	if st.member.value.Membership != joined {
		if err := s.roomForOneMore(ctx, &st); err != nil {
			return nil, err
		}
	}
	if err := s.ensureRoom(ctx, &st); err != nil {
		return nil, err
	}
	head, err := s.head(ctx, st.feed)
	if err != nil {
		return nil, err
	}
	m, err := s.settle(ctx, &st, a.User, nowJoined, func(m *memberRecord) error {
		now := st
		now.member.value = *m
		if err := now.may(toJoin, s.options.Now()); err != nil {
			return err
		}
		if m.Membership != joined {
			s.become(m, joined, m.Role, head)
		}
		return nil
	})
	if err == nil && m.Membership == joined && m.Role == chatv1.Role_ROLE_OWNER { // who was invited as one
		err = s.own(ctx, st.feed, a.User)
	}
	if err != nil {
		return nil, err
	}
	return memberOf(q.GetRoom(), a.User, m), nil
}

// roomForOneMore says whether the actor may become a member, as far as numbers go. Who is invited counts already.
func (s *Service) roomForOneMore(ctx context.Context, st *standing) error {
	if st.member.value.Membership == invitedTo {
		return nil
	}
	if err := s.roomFor(ctx, st.feed, 1); err != nil {
		return err
	}
	ok, err := s.mayHold(ctx, st.feed.App, st.actor.User)
	if err == nil && !ok {
		err = failf(Limit, "you are in as many rooms as you may be: %d; leave one first", s.limits.RoomsPerUser)
	}
	return err
}

// become makes a record that of a member, or of somebody who is invited. Role 0 is member.
func (s *Service) become(m *memberRecord, membership chatv1.Membership, role chatv1.Role, head uint64) {
	if role == chatv1.Role_ROLE_UNSPECIFIED {
		role = chatv1.Role_ROLE_MEMBER
	}
	*m = memberRecord{Membership: membership, Role: role, Since: millis(s.options.Now()), MutedUntil: m.MutedUntil}
	if membership == joined {
		m.Floor = head
	}
}

// ensureRoom makes the record of a room that nobody made, since it is about to get a member or a setting. It stays open, and nobody's.
func (s *Service) ensureRoom(ctx context.Context, st *standing) error {
	if st.room.exists() || st.other != "" {
		return nil
	}
	if err := s.mayMake(ctx, st.feed); err != nil {
		return err
	}
	room, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(st.feed), func(r *record[roomRecord]) error {
		switch {
		case r.value.Deleted:
			return failf(NotFound, "%s is deleted", Channel(st.feed))
		case r.exists():
			return errKeep
		}
		r.value = roomRecord{Kind: open}
		return nil
	})
	if err != nil {
		return err
	}
	st.room = room
	s.rooms.forget(roomKey(st.feed))
	if room.value.Kind != open { // somebody has just made it
		return failf(Conflict, "%s has just been made; try again", Channel(st.feed))
	}
	return nil
}

// Leave ends the user's membership, or turns an invitation down. Who is no member need not leave, and may. Errors: Invalid, Denied, NotFound,
// Conflict, Unavailable.
func (s *Service) Leave(ctx context.Context, a Actor, q *chatv1.LeaveRequest) (*chatv1.Member, error) {
	if err := onlyUsers(a, "end", "call Kick"); err != nil {
		return nil, err
	}
	st, err := s.fresh(ctx, a, q.GetRoom(), toLeave)
	if err != nil {
		return nil, err
	}
	if err := s.cede(ctx, &st, a.User); err != nil {
		return nil, err
	}
	m, err := s.settle(ctx, &st, a.User, nowLeft, func(m *memberRecord) error {
		switch m.Membership {
		case bannedFrom:
			return failf(Denied, "you are banned from %s", Channel(st.feed))
		case joined, invitedTo:
			s.end(m)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return memberOf(q.GetRoom(), a.User, m), nil
}

// end makes a record that of somebody who is no member. One who is muted stays so.
func (s *Service) end(m *memberRecord) {
	*m = memberRecord{Since: millis(s.options.Now()), MutedUntil: m.MutedUntil}
}
