package comet

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/people"
)

// person is by whom the gateway knows a session. Browsers that have not signed in are nobody's: each is a person of its own.
func (s *session) person() people.Person {
	if s.user == 0 {
		return people.Person{App: s.app, User: s.id}
	}
	return people.Person{App: s.app, User: s.actor.User}
}

// Sibling implements people.Session.
func (s *session) Sibling() **session { return &s.sibling }

// here is how many sessions a user has on this node.
func (g *Gateway) here(app, user string) int {
	return len(g.people.Of(people.Person{App: app, User: user}))
}

// rowChanged takes the key of a row that was written, or an empty one if many may have been: connections may have to end.
func (g *Gateway) rowChanged(key string) {
	if key == "" {
		g.start(g.checkAll)
		return
	}
	if who, ok := userOf(key, aboutAuth); ok {
		for _, s := range g.people.Of(who) {
			g.start(s.checkGeneration)
		}
	}
}

// checking is how many rows are read at a time when all are.
const checking = 32

// checkAll looks at everybody who has signed in.
func (g *Gateway) checkAll() {
	var looks errgroup.Group
	looks.SetLimit(checking)
	for _, s := range g.people.All() {
		if s.user > 0 {
			looks.Go(func() error {
				s.checkGeneration()
				return nil
			})
		}
	}
	_ = looks.Wait() // no look gives an error
}

// checkAgain is the pause before a row is read that could not be.
const checkAgain = time.Second

// checkGeneration ends the connection if all of the user's are to end. As long as that can't be found out, it goes on.
func (s *session) checkGeneration() {
	for {
		ctx, cancel := context.WithTimeout(s.gateway.ctx, s.gateway.options.RequestTimeout)
		auth, _, err := load[authRow](ctx, s.gateway.rows, s.app, aboutAuth, strconv.FormatInt(s.user, 10))
		cancel()
		switch {
		case err == nil && auth.Generation != s.generation:
			s.drop("ended by the application")
			return
		case err == nil || s.over() || !pause(s.gateway.ctx, checkAgain):
			return
		}
	}
}

// over says whether the connection is.
func (s *session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// pause returns true after that time, and false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// revoked ends the connections of a user who may not be here any more.
func (g *Gateway) revoked(app, user string) {
	for _, s := range g.people.Of(people.Person{App: app, User: user}) {
		if g.options.Chat.Admit(app, user, s.issued) != nil {
			s.drop("revoked")
		}
	}
}
