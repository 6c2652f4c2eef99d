package chat

import (
	"context"
	"encoding/json"
)

// Verdict is what a gate says of an event.
type Verdict struct {
	Accept bool
	// Reason is for the sender, if it is not accepted.
	Reason string
	// Text is to be stored instead, if it is not nil.
	Text *string
}

// Gate decides, before it is stored, whether a user's event may be stored in a room. What to do about a gate that doesn't answer is
// the gate's own affair: an error refuses the event for now.
type Gate func(ctx context.Context, app, room string, event []byte) (Verdict, error)

// moderate asks the gate, and changes the event as it says.
func (s *Service) moderate(ctx context.Context, st *standing, e *Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return failf(Invalid, "the data is not JSON")
	}
	verdict, err := s.options.Gate(ctx, st.feed.App, Channel(st.feed), data)
	switch {
	case err != nil:
		return &Error{Kind: Unavailable, Message: "the message could not be checked at the moment; retry with the same id", cause: err}
	case !verdict.Accept && verdict.Reason == "":
		return failf(Denied, "the message was refused by moderation")
	case !verdict.Accept:
		return failf(Denied, "the message was refused: %s", verdict.Reason)
	case verdict.Text != nil:
		e.Text = verdict.Text
		return s.checkContent(&e.Content)
	}
	return nil
}
