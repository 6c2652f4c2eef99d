package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// The methods that are not there yet.

// Search is not there yet.
func (s *Service) Search(context.Context, Actor, *chatv1.SearchRequest) (*chatv1.SearchReply, error) {
	return nil, failf(NoMethod, "not there yet")
}
