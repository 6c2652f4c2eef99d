package chat

import (
	"context"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// maxMute is how long somebody may be muted at a time.
const maxMute = 10 * 365 * 24 * time.Hour

// expelling is what Kick, Ban, Unban and Mute have in common: a change of the record of a user of lesser role.
func (s *Service) expelling(ctx context.Context, a Actor, room, user, word string, to func(st *standing, m *memberRecord) error) (*chatv1.Member, error) {
	if err := CheckUser(user); err != nil {
		return nil, err
	}
	st, err := s.fresh(ctx, a, room, toExpel)
	if err != nil {
		return nil, err
	}
	// An owner's record is written only after the room's, which must not happen for a change that is not allowed.
	before, err := loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(st.feed, user))
	if err != nil {
		return nil, fromLog(err)
	}
	check := func(m *memberRecord) error {
		if err := st.outranks(user, *m); err != nil {
			return err
		}
		return to(&st, m)
	}
	after := before.value
	if err := check(&after); err != nil {
		return nil, err
	}
	if err := s.ensureRoom(ctx, &st); err != nil {
		return nil, err
	}
	if !(after.Membership == joined && after.Role == chatv1.Role_ROLE_OWNER) {
		if err := s.cede(ctx, &st, user); err != nil {
			return nil, err
		}
	}
	m, err := s.settle(ctx, &st, user, word, check)
	if err != nil {
		return nil, err
	}
	return memberOf(room, user, m), nil
}

// outranks says whether the actor may change how that user stands to the room.
func (st *standing) outranks(user string, m memberRecord) error {
	if st.actor.Server || m.Membership != joined || placeOf(m.Role) < st.place() {
		return nil
	}
	return failf(Denied, "%s is %s in %s: as %s you may change what those of lesser role are", user, placeOf(m.Role), Channel(st.feed), st.place())
}

// Kick ends the membership of another user, or takes an invitation back. Errors: Invalid, Denied, NotFound (no member), Conflict, Unavailable.
func (s *Service) Kick(ctx context.Context, a Actor, q *chatv1.KickRequest) (*chatv1.Member, error) {
	return s.expelling(ctx, a, q.GetRoom(), q.GetUser(), nowKicked, func(_ *standing, m *memberRecord) error {
		switch {
		case m.Membership == bannedFrom:
			return failf(Conflict, "%s is banned from %s, and no member", q.GetUser(), q.GetRoom())
		case m.Membership == none && m.Change != nowKicked:
			return failf(NotFound, "%s is no member of %s", q.GetUser(), q.GetRoom())
		case m.Membership != none:
			s.end(m)
		}
		return nil
	})
}

// Ban ends the membership of another user, who may be a stranger, and keeps that one out. Errors: Invalid, Denied, NotFound, Conflict,
// Unavailable.
func (s *Service) Ban(ctx context.Context, a Actor, q *chatv1.BanRequest) (*chatv1.Member, error) {
	return s.expelling(ctx, a, q.GetRoom(), q.GetUser(), nowBanned, func(st *standing, m *memberRecord) error {
		if q.GetUser() == st.actor.User {
			return failf(Invalid, "you can't ban yourself")
		}
		if m.Membership != bannedFrom {
			*m = memberRecord{Membership: bannedFrom, Since: millis(s.options.Now())}
		}
		return nil
	})
}

// Unban lets a banned user come back. Who is not banned stays as before. Errors: Invalid, Denied, NotFound, Conflict, Unavailable.
func (s *Service) Unban(ctx context.Context, a Actor, q *chatv1.UnbanRequest) (*chatv1.Member, error) {
	return s.expelling(ctx, a, q.GetRoom(), q.GetUser(), nowUnbanned, func(_ *standing, m *memberRecord) error {
		if m.Membership == bannedFrom {
			s.end(m)
		}
		return nil
	})
}

// Mute keeps a member from sending for a while; in an open room, where strangers send too, also them. Errors: Invalid, Denied, NotFound (no
// member), Conflict, Unavailable.
func (s *Service) Mute(ctx context.Context, a Actor, q *chatv1.MuteRequest) (*chatv1.Member, error) {
	if q.GetSeconds() < 0 || q.GetSeconds() > int64(maxMute/time.Second) {
		return nil, failf(Invalid, "seconds is 0, to let the user send again, to %d", int64(maxMute/time.Second))
	}
	word, until := nowUnmuted, int64(0)
	if q.GetSeconds() > 0 {
		word, until = nowMuted, millis(s.options.Now().Add(time.Duration(q.GetSeconds())*time.Second))
	}
	return s.expelling(ctx, a, q.GetRoom(), q.GetUser(), word, func(st *standing, m *memberRecord) error {
		switch {
		case m.Membership == bannedFrom:
			return failf(Conflict, "%s is banned from %s", q.GetUser(), q.GetRoom())
		case m.Membership != joined && st.kind() != open:
			return failf(NotFound, "%s is no member of %s", q.GetUser(), q.GetRoom())
		case m.Membership == none && m.MutedUntil == 0 && until > 0:
			m.Since = millis(s.options.Now())
		}
		m.MutedUntil = until
		return nil
	})
}
