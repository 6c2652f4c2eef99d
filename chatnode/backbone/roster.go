package backbone

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// nodeLease is how long a node counts as alive after its last beacon: until then its users are present.
const nodeLease = 5 * time.Second

// Node is one living chat node of the fleet.
type Node struct {
	// ID is new with each start of the node; Name is what its operator calls it.
	ID, Name string
	Draining bool
}

// roster is what the beacons tell: which nodes live, and who owns which shard.
type roster struct {
	mu     sync.Mutex
	nodes  map[string]*peer
	shards map[layout.Shard]*ownership
}

type peer struct {
	Node
	seen  time.Time
	owned int
}

// ownership is the newest claim of a shard that was seen.
type ownership struct {
	claim
	node string
	// seen is when the last beacon with the claim came, advanced when its position last grew, since when the term began.
	seen, advanced, since time.Time
}

func newRoster() *roster {
	return &roster{nodes: map[string]*peer{}, shards: map[layout.Shard]*ownership{}}
}

// note takes a beacon in, and gives the claims that began a new term.
func (r *roster) note(b *beacon, now time.Time) (began []claim) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.nodes[b.node]
	if p == nil {
		p = &peer{}
		r.nodes[b.node] = p
	}
	*p = peer{Node{b.node, b.name, b.draining}, now, 0}
	for _, c := range b.shards {
		if !c.released {
			p.owned++
		}
		o := r.shards[c.shard]
		switch {
		case o == nil || c.term > o.term:
			r.shards[c.shard] = &ownership{claim: c, node: b.node, seen: now, advanced: now, since: now}
			began = append(began, c)
		case c.term == o.term:
			if c.position > o.position {
				o.advanced = now
			}
			o.claim, o.seen = c, now
		}
	}
	return began
}

// owner gives the newest known claim of a shard.
func (r *roster) owner(s layout.Shard) (ownership, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.shards[s]; o != nil {
		return *o, true
	}
	return ownership{}, false
}

// living gives the nodes seen within the given time, sorted by id, and how many shards each owns.
func (r *roster) living(now time.Time, within time.Duration) (nodes []Node, owned map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	owned = map[string]int{}
	for id, p := range r.nodes {
		switch age := now.Sub(p.seen); {
		case age <= within:
			nodes = append(nodes, p.Node)
			owned[id] = p.owned
		case age > 10*nodeLease:
			delete(r.nodes, id)
		}
	}
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.ID, b.ID) })
	return nodes, owned
}

// Nodes lists the living nodes of the fleet, sorted by id; this one is among them.
func (b *Backbone) Nodes() []Node {
	nodes, _ := b.roster.living(time.Now(), nodeLease)
	if !slices.ContainsFunc(nodes, func(n Node) bool { return n.ID == b.id }) {
		nodes = append(nodes, Node{b.id, b.o.Name, b.draining.Load()})
	}
	return nodes
}
