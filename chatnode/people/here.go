// Package people knows who is connected, and whose rights have changed.
//
// Here are the sessions of one gateway on this node, by their users. Everywhere tells which users are connected to any node, by whichever
// protocol. Reviews hold what sessions listen to against rights that have changed.
package people

import "sync"

// Person is a user of an application.
type Person struct{ App, User string }

// Session is what Here knows: a pointer to whatever a gateway calls a session.
type Session[S any] interface {
	comparable
	// Sibling is where Here keeps the session's link to another one of the same user. Nobody else touches it.
	Sibling() *S
}

// Here knows the sessions of each user on this node: the first by name, the others in a chain behind it, so that one costs no more than a
// link. It also counts how many each application has. The zero value is ready; its methods are safe for concurrent use.
type Here[S Session[S]] struct {
	mu    sync.Mutex
	first map[Person]S
	// count is how many places each application has taken: for its sessions, those of anonymous users among them, and for those to come.
	count map[string]int
}

// Reserve takes a place for one more session of an application; false if it has as many as the limit, unless that is 0.
func (h *Here[S]) Reserve(app string, limit int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if limit > 0 && h.count[app] >= limit {
		return false
	}
	if h.count == nil {
		h.count = map[string]int{}
	}
	h.count[app]++
	return true
}

// Release gives a place back that no session came to.
func (h *Here[S]) Release(app string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.release(app)
}

// release needs mu.
func (h *Here[S]) release(app string) {
	if h.count[app]--; h.count[app] == 0 {
		delete(h.count, app)
	}
}

// Reserved is how many places an application has taken.
func (h *Here[S]) Reserved(app string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count[app]
}

// Add notes a session for which a place was reserved, and gives the others that the user had before. Sessions without a user's name are
// nobody's.
func (h *Here[S]) Add(who Person, s S) (others []S) {
	if who.User == "" {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil {
		h.first = map[Person]S{}
	}
	others = h.chain(nil, h.first[who])
	*s.Sibling() = h.first[who]
	h.first[who] = s
	return others
}

// Remove forgets a session that was added, with its place, and says whether it was the user's last on this node.
func (h *Here[S]) Remove(who Person, s S) (last bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.release(who.App)
	if who.User == "" {
		return false
	}
	var none S
	first := h.first[who]
	if first == s {
		if h.first[who] = *s.Sibling(); h.first[who] != none {
			return false
		}
		delete(h.first, who)
		return true
	}
	for ; first != none; first = *first.Sibling() {
		if *first.Sibling() == s {
			*first.Sibling() = *s.Sibling()
			break
		}
	}
	return false
}

// chain appends a session and those behind it. It needs mu.
func (h *Here[S]) chain(all []S, s S) []S {
	var none S
	for ; s != none; s = *s.Sibling() {
		all = append(all, s)
	}
	return all
}

// Of lists the sessions of a user.
func (h *Here[S]) Of(who Person) []S {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.chain(nil, h.first[who])
}

// All lists the sessions of all users.
func (h *Here[S]) All() (all []S) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.first {
		all = h.chain(all, s)
	}
	return all
}
