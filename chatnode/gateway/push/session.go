package push

import (
	"context"
	"math"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// beatEvery is how often, in milliseconds, it is noted at most that a session's client is there.
const beatEvery = 60_000

// register makes an account. Nobody is logged in by that. Names that somebody uses on another protocol are taken.
func (g *Gateway) register(ctx context.Context, q request) (a answer, err error) {
	user := q.params[userParam]
	if g.options.Closed || chat.CheckUser(user) != nil || q.params[passwordParam] == "" {
		return answer{verdict: userExists}, nil
	}
	now, err := g.accounts.fresh(ctx, g.accountKey(user))
	if err != nil {
		return a, err
	}
	seen, err := g.presence(ctx, user)
	if err != nil {
		return a, err
	}
	if now != nil || seen.known {
		return answer{verdict: userExists}, nil
	}
	hash, err := g.hasher.hash(ctx, q.params[passwordParam])
	if err != nil {
		return a, err
	}
	_, err = g.accounts.change(ctx, g.accountKey(user), func(now *account) (*account, error) {
		if now != nil {
			a.verdict = userExists
			return nil, errKeep
		}
		a.verdict = done
		return &account{Hash: hash}, nil
	})
	return a, err
}

// login begins a session, which has a channel of its own.
func (g *Gateway) login(ctx context.Context, q request) (answer, error) {
	a := answer{extra: "channel_id", value: ""}
	user := q.params[userParam]
	v, err := g.checkPassword(ctx, q)
	if a.verdict = v; err != nil || v != done {
		return a, err
	}
	s := session{Began: g.millis()}
	if !g.admits(user, s.Began) {
		a.verdict = loginDenied
		return a, nil
	}
	channel := newChannel()
	s.Key = keyOf(channel)
	if s.Received, err = g.here(ctx, user); err != nil {
		return a, err
	}
	if _, err := g.owners.change(ctx, g.ownerKey(s.Key), func(*owner) (*owner, error) { return &owner{user}, nil }); err != nil {
		return a, err
	}
	var ended []session
	_, err = g.accounts.change(ctx, g.accountKey(user), func(now *account) (*account, error) {
		if now == nil {
			a.verdict = noUser
			return nil, errKeep
		}
		ended = now.begin(s)
		return now, nil
	})
	if err != nil || a.verdict != done {
		return a, err
	}
	for _, old := range ended {
		g.metrics.refused.WithLabelValues(boundSessions).Inc()
		g.forget(ctx, old.Key)
	}
	a.value = channel
	return a, nil
}

// checkPassword says whether the password of a request is that of its user. Who has guessed wrong too often is not judged.
func (g *Gateway) checkPassword(ctx context.Context, q request) (verdict, error) {
	user := q.params[userParam]
	if chat.CheckUser(user) != nil {
		return noUser, nil
	}
	guess := auth.Guess{From: q.from, App: g.options.App, Account: user}
	if g.guesses.Wait(guess) > 0 {
		g.metrics.refused.WithLabelValues(boundGuesses).Inc()
		return loginDenied, nil
	}
	account, err := g.accounts.fresh(ctx, g.accountKey(user))
	if err != nil {
		return noUser, err
	}
	if account == nil {
		g.guesses.Wrong(guess)
		return noUser, nil
	}
	right, err := g.hasher.matches(ctx, account.Hash, q.params[passwordParam])
	if err != nil || right {
		return done, err
	}
	g.guesses.Wrong(guess)
	return wrongPassword, nil
}

// here is the position behind everything that a user has been written so far.
func (g *Gateway) here(ctx context.Context, user string) (position, error) {
	mail, err := g.options.Chat.Mail(ctx, chat.Actor{App: g.options.App, User: user}, func(backbone.Feed) uint64 { return math.MaxUint64 })
	p := position{time: g.millis() / 1000, marks: map[int]mark{}}
	for _, m := range mail {
		part, at := g.options.Log.ShardOf(m.Feed).Number, mark{m.At.Offset, hashed(m.At.Epoch)}
		if was, ok := p.marks[part]; !ok || at.offset < was.offset {
			p.marks[part] = at
		}
	}
	return p, err
}

// eraseChannels takes away whose a user's channels are. What else is kept of the user stands below the user's row, and is erased with it.
func (g *Gateway) eraseChannels(ctx context.Context, app, user string) error {
	if app != g.options.App {
		return nil
	}
	a, err := g.accounts.fresh(ctx, g.accountKey(user))
	if err != nil || a == nil {
		return err
	}
	for _, s := range a.Sessions {
		if err := g.owners.remove(ctx, g.ownerKey(s.Key)); err != nil {
			return err
		}
	}
	return nil
}

// forget takes away whose a channel is. If that fails, a row is left that gives nobody anything, since the account has no such session.
func (g *Gateway) forget(ctx context.Context, key string) {
	if err := g.owners.remove(ctx, g.ownerKey(key)); err != nil {
		g.options.Logger.Warn("could not forget a channel that is closed", "error", err)
	}
}

// logout ends a session. Who waits on its channel is told that it is gone.
func (g *Gateway) logout(ctx context.Context, q request) (answer, error) {
	user, key := q.params[userParam], keyOf(q.params[channelParam])
	if _, ok, err := g.enter(ctx, user, q.params[channelParam]); !ok || err != nil {
		return answer{verdict: noLogout}, err
	}
	ended := false
	_, err := g.accounts.change(ctx, g.accountKey(user), func(now *account) (*account, error) {
		if ended = now != nil && now.end(key); !ended {
			return nil, errKeep
		}
		return now, nil
	})
	if err != nil || !ended {
		return answer{verdict: noLogout}, err
	}
	g.forget(ctx, key)
	g.options.Chat.Left(g.options.App, user)
	return answer{}, nil
}

// heartbeat notes that the session's client is there.
func (g *Gateway) heartbeat(ctx context.Context, q request) (answer, error) {
	user := q.params[userParam]
	s, ok, err := g.enter(ctx, user, q.params[channelParam])
	if err != nil || !ok {
		return answer{verdict: notBeating}, err
	}
	now := g.millis()
	if now-s.Beat < beatEvery {
		return answer{}, nil
	}
	return answer{}, g.changeSession(ctx, user, s.Key, func(s *session) { s.Beat = now })
}

// changeSession changes a session, if it is still there.
func (g *Gateway) changeSession(ctx context.Context, user, key string, to func(s *session)) error {
	_, err := g.accounts.change(ctx, g.accountKey(user), func(now *account) (*account, error) {
		if now != nil {
			for i := range now.Sessions {
				if now.Sessions[i].Key == key {
					to(&now.Sessions[i])
					return now, nil
				}
			}
		}
		return nil, errKeep
	})
	return err
}

// changePassword needs the old one alone. Sessions go on.
func (g *Gateway) changePassword(ctx context.Context, q request) (answer, error) {
	user, next := q.params[userParam], q.params[newPasswordParam]
	v, err := g.checkPassword(ctx, q)
	if err != nil || v != done || next == "" {
		return answer{verdict: notChanged}, err
	}
	hash, err := g.hasher.hash(ctx, next)
	if err != nil {
		return answer{}, err
	}
	a := answer{}
	_, err = g.accounts.change(ctx, g.accountKey(user), func(now *account) (*account, error) {
		if now == nil {
			a.verdict = notChanged
			return nil, errKeep
		}
		now.Hash = hash
		return now, nil
	})
	return a, err
}

// setConf keeps a text for the user, of whatever kind.
func (g *Gateway) setConf(ctx context.Context, q request) (answer, error) {
	user := q.params[userParam]
	if _, ok, err := g.enter(ctx, user, q.params[channelParam]); !ok || err != nil {
		return answer{verdict: notWho}, err
	}
	text := g.options.Shape.settings(q)
	if len(text) > maxSettings {
		return answer{verdict: settingsRefused}, nil
	}
	_, err := g.settings.change(ctx, g.settingsKey(user), func(*settings) (*settings, error) { return &settings{text}, nil })
	return answer{}, err
}

// maxSettings is how long the text may be that a client keeps with the server, in bytes.
const maxSettings = 32 << 10

// getConf gives the text, or an empty one.
func (g *Gateway) getConf(ctx context.Context, q request) (answer, error) {
	a := answer{extra: "settings", value: ""}
	user := q.params[userParam]
	if _, ok, err := g.enter(ctx, user, q.params[channelParam]); !ok || err != nil {
		a.verdict = notWho
		return a, err
	}
	kept, err := g.settings.fresh(ctx, g.settingsKey(user))
	if kept != nil {
		a.value = kept.Text
	}
	return a, err
}
