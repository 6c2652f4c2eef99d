package centrifuge

import (
	"errors"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// admit says whether a token may be used. One that is revoked is answered like one that has expired: the SDKs then fetch another from the
// application. Banned users are sent away for good.
func (g *Gateway) admit(app, user string, issued time.Time) error {
	err := g.options.Chat.Admit(app, user, issued)
	switch {
	case errors.Is(err, chat.ErrBanned):
		return protocol.DisconnectForceNoReconnect
	case errors.Is(err, chat.ErrRevoked):
		return protocol.ErrorTokenExpired
	}
	return err
}

// revoked ends the sessions of a user that were made with tokens which are revoked.
func (g *Gateway) revoked(app, user string) {
	for _, s := range g.people.Of(people.Person{App: app, User: user}) {
		s.readmit()
	}
}

// readmit ends the session if its token is revoked: with 3005, after which the SDKs connect again, are told that their token has expired
// (109), and come back if the application gives them a new one; with 3503, after which they stay away, if the user is banned.
func (s *session) readmit() {
	err := s.gateway.admit(s.actor.App, s.actor.User, time.UnixMilli(s.issued.Load()))
	var end protocol.Disconnect
	switch {
	case errors.As(err, &end):
		s.disconnect(end)
	case errors.Is(err, protocol.ErrorTokenExpired):
		s.disconnect(protocol.DisconnectExpired)
	}
}

// announce hands an announcement to everybody's personal channel, without an offset: it is not in the log.
func (g *Gateway) announce(app string, event []byte) {
	for _, s := range g.people.All() {
		if s.actor.App != app {
			continue
		}
		g.metrics.pushes.WithLabelValues("notice").Inc()
		s.write(&protocol.Reply{Push: &protocol.Push{
			Channel: chat.PersonalChannel(s.actor.User), Pub: &protocol.Publication{Data: event},
		}}, nil)
	}
}

// reserve takes a place among the connections that an application may have.
func (g *Gateway) reserve(app string) error {
	if g.people.Reserve(app, g.options.Chat.Connections(app)) {
		return nil
	}
	return &protocol.Error{
		Code: protocol.ErrorLimitExceeded.Code, Message: "the application has as many connections as it may; try again later", Temporary: true,
	}
}
