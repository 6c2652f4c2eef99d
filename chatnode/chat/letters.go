package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// Bounds of a list of dead letters.
const (
	defaultLetters = 20
	mostLetters    = 100
)

// Letters gives events of an application that its webhook did not take, oldest first, at most limit. With retry, each is tried once more
// before, and those are given that are left.
type Letters func(ctx context.Context, app string, limit int, retry bool) ([]*chatv1.DeadLetter, error)

// DeadLetters lists events that the webhook did not take, or tries them once more and lists those that are left. Without a webhook there are
// none. For servers. Errors: Invalid, Denied, Unavailable.
func (s *Service) DeadLetters(ctx context.Context, a Actor, q *chatv1.DeadLettersRequest) (*chatv1.DeadLettersReply, error) {
	if err := onlyServers(a, "see dead letters"); err != nil {
		return nil, err
	}
	limit, err := pageLimit(q.GetLimit(), defaultLetters, mostLetters)
	if err != nil {
		return nil, err
	}
	reply := &chatv1.DeadLettersReply{}
	if s.options.Letters == nil {
		return reply, nil
	}
	reply.Letters, err = s.options.Letters(ctx, a.App, limit, q.GetRetry())
	return reply, fromLog(err)
}
