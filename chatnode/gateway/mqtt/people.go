package mqtt

import "sync"

// person is a user of an application.
type person struct{ app, user string }

// people knows the sessions on this node: of each user the first by name, the others in a chain behind it.
type people struct {
	mu    sync.Mutex
	first map[person]*session
	apps  map[string]int
}

// add notes a session, unless its application has as many as the limit, if that is not 0. other is a session of the user whose client has
// the same id, or nil.
func (p *people) add(s *session, limit int) (other *session, ok bool) {
	who := person{s.actor.App, s.actor.User}
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit > 0 && p.apps[who.app] >= limit {
		return nil, false
	}
	if p.first == nil {
		p.first, p.apps = map[person]*session{}, map[string]int{}
	}
	p.apps[who.app]++
	for there := p.first[who]; there != nil; there = there.sibling {
		if there.client == s.client {
			other = there
		}
	}
	s.sibling = p.first[who]
	p.first[who] = s
	return other, true
}

// remove forgets a session that was added, and says whether it was the user's last on this node.
func (p *people) remove(s *session) (last bool) {
	who := person{s.actor.App, s.actor.User}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.apps[who.app]--; p.apps[who.app] == 0 {
		delete(p.apps, who.app)
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
