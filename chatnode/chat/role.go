package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// SetRole gives a member another role. Owners change those of lesser role, make others owners, and may step down themselves unless they are
// the last. Errors: Invalid, Denied, NotFound (no member), Limit, Conflict, Unavailable.
func (s *Service) SetRole(ctx context.Context, a Actor, q *chatv1.SetRoleRequest) (*chatv1.Member, error) {
	role, user := q.GetRole(), q.GetUser()
	if roleWords[role] == "" {
		return nil, failf(Invalid, "a role is owner, moderator, member or reader")
	}
	if err := CheckUser(user); err != nil {
		return nil, err
	}
	st, err := s.fresh(ctx, a, q.GetRoom(), toSetRole)
	if own := st.member.value; own.Membership == joined && own.Role == role && user == a.User {
		err = nil // a retry of stepping down
	}
	if err != nil {
		return nil, err
	}
	change := func(m *memberRecord) error {
		switch {
		case m.Membership != joined:
			return failf(NotFound, "%s is no member of %s; invite them first", user, q.GetRoom())
		case m.Role == role:
			return nil
		case user != st.actor.User:
			if err := st.outranks(user, *m); err != nil {
				return err
			}
		}
		m.Role = role
		return nil
	}
	// An owner's record is written only after the room's, which must not happen for a change that is not allowed.
	row, err := loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(st.feed, user))
	if err != nil {
		return nil, fromLog(err)
	}
	if err := change(&row.value); err != nil {
		return nil, err
	}
	if role != chatv1.Role_ROLE_OWNER {
		if err := s.cede(ctx, &st, user); err != nil {
			return nil, err
		}
	}
	m, err := s.settle(ctx, &st, user, nowRole, change)
	if err == nil && role == chatv1.Role_ROLE_OWNER {
		err = s.own(ctx, st.feed, user)
	}
	if err != nil {
		return nil, err
	}
	return memberOf(q.GetRoom(), user, m), nil
}
