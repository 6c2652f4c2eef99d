package chat

import (
	"context"
	"encoding/json"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// CallSend is Send for the socket: chat.send with its request as JSON. It does not block, and sends of one actor start in order.
func (s *Service) CallSend(a Actor, data []byte) *Sending {
	var request struct {
		ID   string `json:"id"`
		Room string `json:"room"`
		Content
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return &Sending{err: failf(Invalid, "chat.send takes {\"id\",\"room\",\"text\" or \"data\"}")}
	}
	if err := checkID(request.ID); err != nil {
		return &Sending{err: err}
	}
	return s.send(a, request.Room, request.ID, request.Content)
}

// Typing tells the others in a room that the user types, or has stopped. It is never stored.
func (s *Service) Typing(ctx context.Context, a Actor, q *chatv1.TypingRequest) (*chatv1.TypingReply, error) {
	access, err := s.Access(ctx, a, q.GetRoom(), Publish)
	if err != nil {
		return nil, err
	}
	if !s.rates.allow(a.App + "\x00" + a.sender()) {
		return nil, failf(TooMany, "too many signals")
	}
	return &chatv1.TypingReply{}, s.signal(access.Feed, struct {
		Type   string `json:"type"`
		Sender string `json:"sender"`
		Typing bool   `json:"typing"`
	}{"typing", a.User, q.GetTyping()})
}

// signal tells everybody in a room something that is not stored.
func (s *Service) signal(feed backbone.Feed, event any) error {
	data, err := json.Marshal(event)
	if err == nil {
		err = s.options.Signals.Signal(feed, data)
	}
	return fromLog(err)
}
