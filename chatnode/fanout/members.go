package fanout

import "github.com/chatfleet/chatfleet/chatnode/backbone"

// Members lists who listens to a feed on this node, at this moment.
func (h *Hub) Members(feed backbone.Feed) []Member {
	h.mu.Lock()
	r := h.rooms[feed]
	h.mu.Unlock()
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Member, len(r.members))
	for i, s := range r.members {
		all[i] = s.member
	}
	return all
}
