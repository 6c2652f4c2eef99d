package fanout

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// forgetAgain is when rings are looked at once more: until then, a read may have come from a replica of the log that was behind.
	forgetAgain = time.Minute
	// maxForgotten is how many users may wait to be forgotten; beyond it, all rings are emptied.
	maxForgotten = 1000
)

// forgetting are users of whom the rings are to keep nothing. A ring with anything of such a user is emptied: who needs something else that
// was in it reads the log, and misses nothing.
type forgetting struct {
	mu    sync.Mutex
	users map[someone]time.Time // when they are looked for the next time, and when that was the first: zero
}

// someone is a user of an application; the zero value is everybody.
type someone struct{ app, user string }

// Forget drops what the log does not have any more of a user from memory: within a moment, for which it does not wait, and once more a minute
// later.
func (h *Hub) Forget(app, user string) {
	f := &h.forgetting
	f.mu.Lock()
	defer f.mu.Unlock()
	who := someone{app, user}
	if len(f.users) >= maxForgotten {
		who = someone{}
	}
	if f.users == nil {
		f.users = map[someone]time.Time{}
	}
	f.users[who] = time.Time{}
}

// due gives whom to forget now.
func (f *forgetting) due(now time.Time) (all []someone) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for who, when := range f.users {
		switch {
		case when.IsZero():
			f.users[who] = now.Add(forgetAgain)
		case when.After(now):
			continue
		default:
			delete(f.users, who)
		}
		all = append(all, who)
	}
	return all
}

// forgetDue empties the rings that have something of users who are to be forgotten.
func (h *Hub) forgetDue() {
	all := h.forgetting.due(time.Now())
	if len(all) == 0 {
		return
	}
	names := make([][]byte, len(all))
	for i, who := range all {
		names[i], _ = json.Marshal(who.user) // as infos and events are written, so that it is found in them; a string has no error
	}
	h.mu.Lock()
	rooms := make([]*room, 0, len(h.rooms))
	for _, r := range h.rooms {
		rooms = append(rooms, r)
	}
	h.mu.Unlock()
	for _, r := range rooms {
		r.mu.Lock()
		for i, who := range all {
			if who == (someone{}) || who.app == r.feed.App && r.remembers(who, names[i]) {
				r.emptyRing()
				break
			}
		}
		for _, rd := range r.reads {
			rd.stale = true
		}
		r.mu.Unlock()
	}
}

// remembers says whether there is anything in the ring that may be the user's. The room is locked.
func (r *room) remembers(who someone, name []byte) bool {
	if r.feed == (backbone.Feed{Kind: layout.User, App: who.app, Name: who.user}) {
		return true
	}
	for _, m := range r.ring.messages {
		if bytes.Contains(m.Info, name) || bytes.Contains(m.Data, name) {
			return true
		}
	}
	return false
}
