package push

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// readAtOnce is how many accounts are read at a time for one question.
const readAtOnce = 16

// Sessions tells which users are online by this protocol, at whatever node: for each, the name of every session's device, which here has none.
func (g *Gateway) Sessions(ctx context.Context, app string, users []string) (map[string][]string, error) {
	if app != g.options.App {
		return nil, nil
	}
	found := map[string][]string{}
	var mu sync.Mutex
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(readAtOnce)
	for _, user := range users {
		work.Go(func() error {
			a, err := g.account(ctx, user)
			if n := g.sessionsOf(user, a); n > 0 {
				mu.Lock()
				defer mu.Unlock()
				found[user] = make([]string, n)
			}
			return err
		})
	}
	return found, work.Wait()
}

// sessionsOf counts the sessions with which a user is online: from the log-in to the log-out, however quiet the client is, or until they are revoked.
func (g *Gateway) sessionsOf(user string, a *account) (n int) {
	if a == nil {
		return 0
	}
	for _, s := range a.Sessions {
		if g.admits(user, s.Began) {
			n++
		}
	}
	return n
}
