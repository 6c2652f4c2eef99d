package chat

import (
	"context"
	"strconv"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// Bounds of a list of dead letters.
const (
	defaultLetters = 20
	mostLetters    = 100
)

// LetterQuestion asks for events of an application that its webhook did not take.
type LetterQuestion struct {
	App, Room string // an empty room is all of them
	// After is the next of an earlier page, 0 at first.
	After uint64
	Limit int
	// Retry has each tried once more before.
	Retry bool
}

// Letters gives a page of such events, oldest first, and where the next page begins, 0 if there is none. With Retry it gives those of the
// page that are left.
type Letters func(ctx context.Context, q LetterQuestion) (letters []*chatv1.DeadLetter, next uint64, err error)

// DeadLetters lists events that the webhook did not take, or tries them once more and lists those that are left. Without a webhook there are
// none. For servers. Errors: Invalid, Denied, Unavailable.
func (s *Service) DeadLetters(ctx context.Context, a Actor, q *chatv1.DeadLettersRequest) (*chatv1.DeadLettersReply, error) {
	if err := onlyServers(a, "see dead letters"); err != nil {
		return nil, err
	}
	asked := LetterQuestion{App: a.App, Room: q.GetRoom(), Retry: q.GetRetry()}
	var err error
	if asked.Limit, err = pageLimit(q.GetLimit(), defaultLetters, mostLetters); err != nil {
		return nil, err
	}
	if asked.Room != "" {
		if _, _, err := s.conversation(a, asked.Room); err != nil {
			return nil, err
		}
	}
	if asked.After, err = parseRevision(q.GetCursor()); err != nil {
		return nil, err
	}
	reply := &chatv1.DeadLettersReply{}
	if s.options.Letters == nil {
		return reply, nil
	}
	letters, next, err := s.options.Letters(ctx, asked)
	if err != nil {
		return nil, fromLog(err)
	}
	if reply.Letters = letters; next > 0 {
		reply.Cursor = strconv.FormatUint(next, 10)
	}
	return reply, nil
}
