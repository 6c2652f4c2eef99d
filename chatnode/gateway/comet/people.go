package comet

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// person is a user of an application.
type person struct{ app, user string }

// people knows the sessions on this node, by their users; those of anonymous browsers are of the user anonymous.
type people struct {
	mu       sync.Mutex
	sessions map[person]map[*session]struct{}
	count    map[string]int // of each application
}

// add notes a session, and tells the others if it is the first of its user here; false if the application has as many as the limit.
func (p *people) add(s *session, limit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit > 0 && p.count[s.app] >= limit {
		return false
	}
	if p.count == nil {
		p.count, p.sessions = map[string]int{}, map[person]map[*session]struct{}{}
	}
	p.count[s.app]++
	who := person{s.app, s.actor.User}
	if p.sessions[who] == nil {
		p.sessions[who] = map[*session]struct{}{}
	}
	p.sessions[who][s] = struct{}{}
	if len(p.sessions[who]) == 1 && s.user > 0 {
		s.gateway.tellStatus(status{s.app, s.actor.User, true})
	}
	return true
}

// remove forgets a session that was added, and says whether it was the last one here of a user who has signed in.
func (p *people) remove(s *session) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count[s.app]--; p.count[s.app] == 0 {
		delete(p.count, s.app)
	}
	who := person{s.app, s.actor.User}
	delete(p.sessions[who], s)
	if len(p.sessions[who]) > 0 {
		return false
	}
	delete(p.sessions, who)
	return s.user > 0
}

// of lists the sessions of a user.
func (p *people) of(who person) []*session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.sessions[who]))
}

// here is how many sessions a user has on this node.
func (p *people) here(who person) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sessions[who])
}

// all lists all sessions.
func (p *people) all() (all []*session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, sessions := range p.sessions {
		all = slices.AppendSeq(all, maps.Keys(sessions))
	}
	return all
}

// online is how many sessions an application has here.
func (p *people) online(app string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[app]
}

// rowChanged takes the key of a row that was written, or an empty one if many may have been: connections may have to end.
func (g *Gateway) rowChanged(key string) {
	if key == "" {
		g.start(g.checkAll)
		return
	}
	parts, ok := layout.ParseRowKey(key)
	if !ok || len(parts) != 3 || parts[1] != aboutAuth {
		return
	}
	for _, s := range g.people.of(person{parts[0], parts[2]}) {
		g.start(s.checkGeneration)
	}
}

// checking is how many rows are read at a time when all are.
const checking = 32

// checkAll looks at everybody who has signed in.
func (g *Gateway) checkAll() {
	var looks errgroup.Group
	looks.SetLimit(checking)
	for _, s := range g.people.all() {
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
	for _, s := range g.people.of(person{app, user}) {
		if g.options.Chat.Admit(app, user, s.issued) != nil {
			s.drop("revoked")
		}
	}
}
