package comet

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/auth"
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
	row, err := s.authenticate(ctx)
	switch {
	case errors.Is(err, errGuesses):
		s.drop("guesses")
		return false
	case err != nil:
		g.log.Debug("a browser can't be signed in", "error", err)
		s.drop("unavailable")
		return false
	}
	s.actor = chat.Actor{App: s.app, User: anonymous, Client: s.id}
	if row != nil {
		s.user, s.generation = s.wish.user, row.Generation
		s.actor.User = strconv.FormatInt(s.user, 10)
	}
	if !s.enter() {
		s.drop("limit")
		return false
	}
	if row != nil && !s.still() {
		return false
	}
	greeting := message{
		Authorized: row != nil, Data: "", Event: "serverInfo", Pipe: pipeSystem, Server: serverName, Time: g.now().Unix(),
	}
	if row != nil {
		greeting.Data = row.Hash
	}
	s.send(s.encoder.frame(greeting))
	if row == nil {
		return true
	}
	if err := s.openPrivate(); err != nil {
		g.log.Debug("private messages can't be read", "error", err)
		s.drop("unavailable")
		return false
	}
	return true
}

// errGuesses says that the browser's address has shown too many wrong keys for the user, or for several.
var errGuesses = errors.New("too many wrong keys")

// authenticate gives what a user signs in by, if the browser is that user and may come; nil if not. An error says that this can't be found out.
func (s *session) authenticate(ctx context.Context) (*authRow, error) {
	if s.wish.user == 0 || s.wish.key == "" {
		return nil, nil
	}
	name := strconv.FormatInt(s.wish.user, 10)
	row, err := s.judge(ctx, name)
	if row == nil || err != nil {
		return nil, err
	}
	switch err := s.gateway.options.Chat.Admit(s.app, name, s.issued); {
	case errors.Is(err, chat.ErrRevoked), errors.Is(err, chat.ErrBanned):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return row, nil
}

// judge gives what a user signs in by, if the browser's key is the user's; nil if it is not, which is counted if it may have been guessed.
func (s *session) judge(ctx context.Context, user string) (*authRow, error) {
	g := s.gateway
	guess := auth.Guess{App: s.app, Account: user}
	guess.From, _ = netip.ParseAddr(s.conn.RemoteAddr())
	if g.guesses.Wait(guess) > 0 {
		return nil, errGuesses
	}
	row, _, err := load[authRow](ctx, g.rows, s.app, aboutAuth, user)
	if err != nil {
		return nil, err
	}
	s.issued = time.UnixMilli(row.Set)
	c, err := verify(s.wish.key, g.options.Password(), s.wish.tenant, g.now())
	switch {
	case err == nil:
		return s.byToken(ctx, c, user, row)
	case errors.Is(err, errEnded): // the page comes back with a new one, and has guessed nothing
		return nil, nil
	case row.Hash == "" || subtle.ConstantTimeCompare([]byte(row.Hash), []byte(s.wish.key)) != 1:
		g.guesses.Wrong(guess)
		return nil, nil
	}
	return &row, nil
}

// byToken is judge for a browser whose key is a token that was signed here.
func (s *session) byToken(ctx context.Context, c claims, user string, row authRow) (*authRow, error) {
	if *c.UserID != s.wish.user {
		return nil, nil
	}
	s.issued = time.UnixMilli(int64(c.Issued * 1000))
	_, revoked, err := load[tokenRow](ctx, s.gateway.rows, s.app, aboutToken, s.wish.key)
	if err != nil || revoked {
		return nil, err
	}
	row, err = s.gateway.withHash(ctx, s.app, user, row)
	return &row, err
}

// hashLength is that of a hash that the server invents.
const hashLength = 32

// withHash gives a user who came with a token a hash, if there is none.
func (g *Gateway) withHash(ctx context.Context, app, user string, row authRow) (authRow, error) {
	if row.Hash != "" {
		return row, nil
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
	g := s.gateway
	if !g.people.Reserve(s.app, g.options.Chat.Connections(s.app)) {
		return false
	}
	s.greeted = true
	g.metrics.sessions.Inc()
	if s.user == 0 {
		g.people.Add(s.person(), s)
		return true
	}
	_, coming := g.coming.LoadOrStore(s.person(), nil) // before another node can see the user here
	if others := g.people.Add(s.person(), s); len(others) == 0 {
		g.tellStatus(status{s.person(), true})
	} else if !coming {
		g.coming.Delete(s.person())
	}
	return true
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
	if last := g.people.Remove(s.person(), s); last && s.user > 0 {
		g.options.Chat.Left(s.app, s.actor.User)
		g.tellStatus(status{s.person(), false})
	}
}
