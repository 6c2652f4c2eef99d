package comet

import (
	"context"
	"crypto/subtle"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// appOf is the application of a tenant.
func (g *Gateway) appOf(tenant int) string {
	if tenant == 0 {
		return g.options.App
	}
	return strconv.Itoa(tenant)
}

// signIn finds out who the browser is, greets it, and has what waits for the user follow. False: the connection is over.
func (s *session) signIn() bool {
	g := s.gateway
	ctx, cancel := context.WithTimeout(g.ctx, g.options.RequestTimeout)
	defer cancel()
	s.app = g.appOf(s.wish.tenant)
	auth, err := s.authenticate(ctx)
	if err != nil {
		g.log.Debug("a browser can't be signed in", "error", err)
		s.drop("unavailable")
		return false
	}
	s.actor = chat.Actor{App: s.app, User: anonymous, Client: s.id}
	if auth != nil {
		s.user, s.generation = s.wish.user, auth.Generation
		s.actor.User = strconv.FormatInt(s.user, 10)
	}
	if !s.enter() {
		s.drop("limit")
		return false
	}
	if auth != nil && !s.still() {
		return false
	}
	greeting := message{
		Authorized: auth != nil, Data: "", Event: "serverInfo", Pipe: pipeSystem, Server: serverName, Time: g.now().Unix(),
	}
	if auth != nil {
		greeting.Data = auth.Hash
	}
	s.send(s.encoder.frame(greeting))
	if auth == nil {
		return true
	}
	if err := s.openPrivate(); err != nil {
		g.log.Debug("private messages can't be read", "error", err)
		s.drop("unavailable")
		return false
	}
	return true
}

// authenticate gives what a user signs in by, if the browser is that user; nil if it is not. An error says that this can't be found out.
func (s *session) authenticate(ctx context.Context) (*authRow, error) {
	g := s.gateway
	if s.wish.user == 0 || s.wish.key == "" {
		return nil, nil
	}
	name := strconv.FormatInt(s.wish.user, 10)
	auth, _, err := load[authRow](ctx, g.rows, s.app, aboutAuth, name)
	if err != nil {
		return nil, err
	}
	s.issued = time.UnixMilli(auth.Set)
	if c, err := verify(s.wish.key, g.options.Password(), s.wish.tenant, g.now()); err == nil {
		if *c.UserID != s.wish.user {
			return nil, nil
		}
		_, revoked, err := load[tokenRow](ctx, g.rows, s.app, aboutToken, s.wish.key)
		if err != nil || revoked {
			return nil, err
		}
		s.issued = time.Unix(c.Issued, 0)
		if auth, err = g.withHash(ctx, s.app, name, auth); err != nil {
			return nil, err
		}
	} else if auth.Hash == "" || subtle.ConstantTimeCompare([]byte(auth.Hash), []byte(s.wish.key)) != 1 {
		return nil, nil
	}
	switch err := g.options.Chat.Admit(s.app, name, s.issued); {
	case errors.Is(err, chat.ErrRevoked), errors.Is(err, chat.ErrBanned):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &auth, nil
}

// hashLength is that of a hash that the server invents.
const hashLength = 32

// withHash gives a user who came with a token a hash, if there is none.
func (g *Gateway) withHash(ctx context.Context, app, user string, auth authRow) (authRow, error) {
	if auth.Hash != "" {
		return auth, nil
	}
	hash := strings.ReplaceAll(uuid.NewString(), "-", "0")[:hashLength]
	return change(ctx, g.rows, app, aboutAuth, user, func(row *authRow) bool {
		if row.Hash != "" {
			return false
		}
		row.Hash, row.Set = hash, g.now().UnixMilli()
		return true
	})
}

// enter makes the session known to the gateway; false if the connection is over, or the application has as many as it may.
func (s *session) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.greeted = s.gateway.people.add(s, s.gateway.options.Chat.Connections(s.app))
	if s.greeted {
		s.gateway.metrics.sessions.Inc()
	}
	return s.greeted
}

// still says whether the user may be here, now that changes are told to the session.
func (s *session) still() bool {
	if s.gateway.options.Chat.Admit(s.app, s.actor.User, s.issued) != nil {
		s.drop("revoked")
		return false
	}
	s.checkGeneration()
	return true
}

// left forgets a session.
func (g *Gateway) left(s *session) {
	g.metrics.sessions.Dec()
	if g.people.remove(s) {
		g.options.Chat.Left(s.app, s.actor.User)
		g.tellStatus(status{s.app, s.actor.User, false})
	}
}
