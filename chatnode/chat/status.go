package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// SetStatus says how the user wants to be seen: online, away or hidden. It holds until it is said otherwise. The answer is how the user
// sees himself, which is also hidden. Errors: Invalid, Unavailable, Conflict.
func (s *Service) SetStatus(ctx context.Context, a Actor, q *chatv1.SetStatusRequest) (*chatv1.UserPresence, error) {
	if a.User == "" {
		return nil, failf(Invalid, "a status is a user's: say for whom you ask")
	}
	switch q.GetStatus() {
	case chatv1.Status_STATUS_ONLINE, chatv1.Status_STATUS_AWAY, chatv1.Status_STATUS_HIDDEN:
	default:
		return nil, failf(Invalid, "the status is online, away or hidden")
	}
	key := personKey(a.App, a.User)
	person, err := changeRow(ctx, s.tables, layout.People, key, func(p *record[personRecord]) error {
		if p.value.Status == q.GetStatus() {
			return errKeep
		}
		p.value.Status = q.GetStatus()
		p.value.change(s.options.Now())
		return nil
	})
	s.people.forget(key)
	if err == nil {
		err = s.tellOfPerson(ctx, a, person, personEvent{Type: "status", Status: statusWords[q.GetStatus()]})
	}
	if err != nil {
		return nil, err
	}
	seen, err := s.presenceOf(ctx, a, []string{a.User})
	if err != nil {
		return nil, err
	}
	return seen[0], nil
}
