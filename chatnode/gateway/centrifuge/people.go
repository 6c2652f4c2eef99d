package centrifuge

import "sync"

// person is a user of an application.
type person struct{ app, user string }

// people knows the sessions of each user on this node: the first by name, the others in a chain behind it.
type people struct {
	mu    sync.Mutex
	first map[person]*session
	// count is how many places each application has taken: for its sessions, those of anonymous users among them, and for those to come.
	count map[string]int
}

// reserve takes a place for one more session of an application; false if it has as many as the limit, unless that is 0.
func (p *people) reserve(app string, limit int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit > 0 && p.count[app] >= limit {
		return false
	}
	if p.count == nil {
		p.count = map[string]int{}
	}
	p.count[app]++
	return true
}

// release gives a place back that no session came to.
func (p *people) release(app string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uncount(app)
}

// uncount needs mu.
func (p *people) uncount(app string) {
	if p.count[app]--; p.count[app] == 0 {
		delete(p.count, app)
	}
}

// ofApp is how many places an application has taken.
func (p *people) ofApp(app string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[app]
}

// add notes a session for which a place was reserved. Anonymous ones are nobody's.
func (p *people) add(s *session) {
	who := person{s.actor.App, s.actor.User}
	if who.user == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.first == nil {
		p.first = map[person]*session{}
	}
	s.sibling = p.first[who]
	p.first[who] = s
}

// remove forgets a session that was added, with its place, and says whether it was the user's last on this node.
func (p *people) remove(s *session) (last bool) {
	who := person{s.actor.App, s.actor.User}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uncount(who.app)
	if who.user == "" {
		return false
	}
	if first := p.first[who]; first != s {
		for ; first != nil; first = first.sibling {
			if first.sibling == s {
				first.sibling = s.sibling
				break
			}
		}
		return false
	}
	if s.sibling == nil {
		delete(p.first, who)
		return true
	}
	p.first[who] = s.sibling
	return false
}

// of lists the sessions of a user.
func (p *people) of(who person) (all []*session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := p.first[who]; s != nil; s = s.sibling {
		all = append(all, s)
	}
	return all
}

// all lists the sessions of all users.
func (p *people) all() (all []*session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.first {
		for ; s != nil; s = s.sibling {
			all = append(all, s)
		}
	}
	return all
}
