package chat

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

const (
	// maxInvited is how many users one call invites.
	maxInvited = 1000
	// together is how many rows one call changes at a time.
	together = 16
)

// errLeftOut says that a user is not invited, and that nobody is told why.
var errLeftOut = errors.New("left out")

// Invite asks others to become members; with add they are at once. Left out of the answer, without a word why, are those who have blocked
// whoever invites, who are banned, or who are in as many rooms as they may be. Errors: Invalid, Denied, NotFound, Limit, Conflict, Unavailable.
func (s *Service) Invite(ctx context.Context, a Actor, q *chatv1.InviteRequest) (*chatv1.InviteReply, error) {
	users, err := distinct(q.GetUsers(), maxInvited)
	if err != nil {
		return nil, err
	}
	r := toInvite
	if q.GetAdd() {
		r = toAdd
	}
	st, err := s.fresh(ctx, a, q.GetRoom(), r)
	if err != nil {
		return nil, err
	}
	if err := s.mayGive(&st, q.GetRole()); err != nil {
		return nil, err
	}
	membership := invitedTo
	if q.GetAdd() {
		membership = joined
	}
	return s.bringIn(ctx, &st, users, membership, q.GetRole())
}

// mayGive says whether the actor may make new members of that role.
func (s *Service) mayGive(st *standing, role chatv1.Role) error {
	switch role {
	case chatv1.Role_ROLE_UNSPECIFIED, chatv1.Role_ROLE_MEMBER, chatv1.Role_ROLE_READER:
		return nil
	case chatv1.Role_ROLE_MODERATOR, chatv1.Role_ROLE_OWNER:
		return st.may(toSetRole, s.options.Now())
	}
	return failf(Invalid, "there is no such role: they are owner, moderator, member and reader")
}

// distinct checks names of users, and leaves out those that come again.
func distinct(users []string, limit int) ([]string, error) {
	if len(users) == 0 {
		return nil, failf(Invalid, "name at least one user")
	}
	if len(users) > limit {
		return nil, failf(Invalid, "name at most %d users", limit)
	}
	known := make(map[string]bool, len(users))
	var all []string
	for _, user := range users {
		if err := CheckUser(user); err != nil {
			return nil, err
		}
		if !known[user] {
			all = append(all, user)
		}
		known[user] = true
	}
	return all, nil
}

// bringIn makes users members, or asks them.
func (s *Service) bringIn(ctx context.Context, st *standing, users []string, membership chatv1.Membership, role chatv1.Role) (*chatv1.InviteReply, error) {
	if err := s.roomFor(ctx, st.feed, len(users)); err != nil {
		return nil, err
	}
	if err := s.ensureRoom(ctx, st); err != nil {
		return nil, err
	}
	head, err := s.head(ctx, st.feed)
	if err != nil {
		return nil, err
	}
	answers := make([]*chatv1.Member, len(users))
	err = inParallel(ctx, len(users), func(ctx context.Context, i int) error {
		m, err := s.bringOne(ctx, st, users[i], membership, role, head)
		switch {
		case errors.Is(err, errLeftOut):
			return nil
		case err != nil:
			return err
		}
		answers[i] = memberOf(Channel(st.feed), users[i], m)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &chatv1.InviteReply{Members: slices.DeleteFunc(answers, func(m *chatv1.Member) bool { return m == nil })}, nil
}

// bringOne is bringIn for one user.
func (s *Service) bringOne(ctx context.Context, st *standing, user string, membership chatv1.Membership, role chatv1.Role, head uint64) (memberRecord, error) {
	if user != st.actor.User {
		person, err := s.people.get(ctx, personKey(st.feed.App, user))
		switch {
		case err != nil:
			return memberRecord{}, fromLog(err)
		case !st.actor.Server && slices.Contains(person.value.Blocked, st.actor.User):
			return memberRecord{}, errLeftOut
		}
	}
	if ok, err := s.mayHold(ctx, st.feed.App, user); err != nil || !ok {
		return memberRecord{}, errors.Join(err, errLeftOut)
	}
	word := nowInvited
	if membership == joined {
		word = nowJoined
	}
	m, err := s.settle(ctx, st, user, word, func(m *memberRecord) error {
		switch {
		case m.Membership == bannedFrom:
			return errLeftOut
		case m.Membership == joined || m.Membership == membership:
			return nil
		}
		if m.Membership == invitedTo && role == chatv1.Role_ROLE_UNSPECIFIED {
			role = m.Role
		}
		s.become(m, membership, role, head)
		return nil
	})
	if err == nil && m.Membership == joined && m.Role == chatv1.Role_ROLE_OWNER {
		err = s.own(ctx, st.feed, user)
	}
	return m, err
}

// inParallel does a few things at a time. The first failure ends it.
func inParallel(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(together)
	for i := range n {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return fromLog(err)
			}
			return do(ctx, i)
		})
	}
	return work.Wait()
}
