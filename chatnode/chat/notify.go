package chat

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Notice is what a server tells one user.
type Notice struct {
	// ID makes retries harmless; without one there is none.
	ID   string
	User string
	Text string
	Data json.RawMessage
}

// Notify tells a user something, on the personal channel: as an announcement is told, but durable, so that whoever is away finds it there.
// For servers. Errors: Invalid, Denied, TooMany, Unavailable.
func (s *Service) Notify(ctx context.Context, a Actor, n Notice) (Sent, error) {
	if err := onlyServers(a, "notify"); err != nil {
		return Sent{}, err
	}
	if err := CheckUser(n.User); err != nil {
		return Sent{}, err
	}
	if n.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return Sent{}, fromLog(err)
		}
		n.ID = id.String()
	}
	if err := checkID(n.ID); err != nil {
		return Sent{}, err
	}
	c := Content{Data: n.Data}
	if n.Text != "" {
		c.Text = &n.Text
	}
	if err := s.checkContent(&c); err != nil {
		return Sent{}, err
	}
	if err := s.spend(a.App); err != nil {
		return Sent{}, err
	}
	e := noticeEvent{ID: n.ID, Type: "notice", Time: millis(s.options.Now()), Text: n.Text, Data: c.Data}
	data, err := json.Marshal(e)
	if err != nil {
		return Sent{}, failf(Invalid, "the data is not JSON")
	}
	feed := backbone.Feed{Kind: layout.User, App: a.App, Name: n.User}
	receipt, err := s.log.Enqueue(feed, backbone.Draft{ID: n.ID, Sender: serverSender, Data: data}).Wait(ctx)
	if err != nil {
		return Sent{}, fromLog(err)
	}
	return Sent{ID: n.ID, Offset: receipt.Offset, Time: e.Time}, nil
}
