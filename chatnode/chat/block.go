package chat

import (
	"context"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// maxBlocked is how many users one may block.
const maxBlocked = 1000

// Block keeps another user from sending direct messages to this user and from inviting this user, or lets the other again. The answer lists
// whom the user has blocked then. Errors: Invalid, Denied, Limit, Conflict, Unavailable.
func (s *Service) Block(ctx context.Context, a Actor, q *chatv1.BlockRequest) (*chatv1.BlockReply, error) {
	if err := hasPerson(a); err != nil {
		return nil, err
	}
	if err := CheckUser(q.GetUser()); err != nil {
		return nil, err
	}
	if q.GetUser() == a.User {
		return nil, failf(Invalid, "you can't block yourself")
	}
	key := personKey(a.App, a.User)
	person, err := changeRow(ctx, s.tables, layout.People, key, func(r *record[personRecord]) error {
		i := slices.Index(r.value.Blocked, q.GetUser())
		switch blocked := slices.Clone(r.value.Blocked); {
		case (i >= 0) != q.GetRemove():
			return errKeep
		case q.GetRemove():
			r.value.Blocked = slices.Delete(blocked, i, i+1)
		case len(blocked) >= maxBlocked:
			return failf(Limit, "you have blocked as many users as you may: %d", maxBlocked)
		default:
			r.value.Blocked = append(blocked, q.GetUser())
		}
		r.value.change(s.options.Now())
		return nil
	})
	s.people.forget(key)
	if err == nil {
		err = s.tellOfPerson(ctx, a, person, personEvent{Type: "block", User: q.GetUser(), Remove: q.GetRemove()})
	}
	if err != nil {
		return nil, err
	}
	return &chatv1.BlockReply{Users: person.value.Blocked}, nil
}

// Blocks lists whom the user has blocked, those who were blocked last at the end. Errors: Invalid, Denied, Unavailable.
func (s *Service) Blocks(ctx context.Context, a Actor, _ *chatv1.BlocksRequest) (*chatv1.BlockReply, error) {
	if err := hasPerson(a); err != nil {
		return nil, err
	}
	person, err := loadRow[personRecord](ctx, s.tables, layout.People, personKey(a.App, a.User))
	if err != nil {
		return nil, fromLog(err)
	}
	return &chatv1.BlockReply{Users: person.value.Blocked}, nil
}

// hasPerson refuses whoever is no user.
func hasPerson(a Actor) error {
	switch {
	case a.Server:
		return failf(Invalid, "a server blocks nobody: act for a user")
	case a.User == "":
		return failf(Denied, "this is for signed-in users")
	}
	return nil
}
