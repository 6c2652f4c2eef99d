package chat

import (
	"context"
	"encoding/json"
)

// Calling is a method call on its way.
type Calling struct {
	sending *Sending
	result  any
	err     error
}

// Wait gives the call's result as JSON. See Sending.Wait for the end of ctx.
func (c *Calling) Wait(ctx context.Context) ([]byte, error) {
	result, err := c.result, c.err
	if c.sending != nil {
		result, err = c.sending.Wait(ctx)
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(result)
}

// Call calls a method by its name, with its request as JSON. Calls of one actor start in order; it does not block.
//
//	chat.send    {"id","room","text"|"data","reply_to","mentions"} → {"id","offset","time"}
//	chat.typing  {"room","typing"} → {}
func (s *Service) Call(a Actor, method string, data []byte) *Calling {
	switch method {
	case "chat.send":
		return s.callSend(a, data)
	case "chat.typing":
		return s.callTyping(a, data)
	default:
		return &Calling{err: failf(NoMethod, "no such method")}
	}
}

func (s *Service) callSend(a Actor, data []byte) *Calling {
	var request struct {
		ID   string `json:"id"`
		Room string `json:"room"`
		Content
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return &Calling{err: failf(Invalid, "chat.send takes {\"id\",\"room\",\"text\" or \"data\"}")}
	}
	if err := checkID(request.ID); err != nil {
		return &Calling{err: err}
	}
	feed, err := s.Feed(a, request.Room, Publish)
	if err != nil {
		return &Calling{err: err}
	}
	return &Calling{sending: s.send(a, feed, request.ID, request.Content)}
}

// callTyping tells the others in a room that the user types, or has stopped. It is never stored.
func (s *Service) callTyping(a Actor, data []byte) *Calling {
	var request struct {
		Room   string `json:"room"`
		Typing bool   `json:"typing"`
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return &Calling{err: failf(Invalid, "chat.typing takes {\"room\",\"typing\"}")}
	}
	feed, err := s.Feed(a, request.Room, Publish)
	if err != nil {
		return &Calling{err: err}
	}
	if !s.rates.allow(a.App + "\x00" + a.sender()) {
		return &Calling{err: failf(TooMany, "too many signals")}
	}
	signal, err := json.Marshal(struct {
		Type   string `json:"type"`
		Sender string `json:"sender"`
		Typing bool   `json:"typing"`
	}{"typing", a.User, request.Typing})
	if err == nil {
		err = s.signals.Signal(feed, signal)
	}
	return &Calling{result: struct{}{}, err: fromLog(err)}
}
