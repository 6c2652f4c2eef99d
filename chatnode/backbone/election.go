package backbone

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Rhythm of beacons and claims.
const (
	beaconEvery = 100 * time.Millisecond
	// aloneEvery is the rhythm of a node that has the log to itself, and nobody to show it to.
	aloneEvery = 1 * time.Second
	// lateTick is how late its own beacon may be before an owner must assume that others have taken over.
	lateTick = 800 * time.Millisecond
	// claimSilence without a beacon lets the first candidate claim a shard, and each further one claimStep later.
	claimSilence = 1 * time.Second
	claimStep    = 200 * time.Millisecond
	// stuckAfter is how long an owner's position may stand still while newer messages are known to be stored.
	stuckAfter = 2 * time.Second
	// claimKept is how long a claim is kept at least before a shard moves for balance or because it seems stuck.
	claimKept = 5 * time.Second
	// balanceEvery is the pause between two shards that a node hands over for balance.
	balanceEvery = 500 * time.Millisecond
	// releaseShown is how long beacons repeat that a shard was released.
	releaseShown = 1 * time.Second
)

// election decides which shards this node owns: it shows beacons, claims what nobody shows, and hands over what others should have.
// Everything but the claims themselves happens on one goroutine.
type election struct {
	b *Backbone

	mu       sync.Mutex
	owners   map[layout.Shard]*owner
	claiming map[layout.Shard]bool
	released map[layout.Shard]release
	// blocked shards are not claimed by this node before that time, because it has just failed with them.
	blocked map[layout.Shard]time.Time

	lastTick, lastBalance, connected time.Time
	buffer                           []byte
	claims                           sync.WaitGroup
	// drain asks for everything to be handed over; the channel in it is closed when that is done.
	drain chan chan struct{}
}

type release struct {
	claim
	until time.Time
}

func newElection(b *Backbone) *election {
	return &election{
		b: b, owners: map[layout.Shard]*owner{}, claiming: map[layout.Shard]bool{},
		released: map[layout.Shard]release{}, blocked: map[layout.Shard]time.Time{},
		drain: make(chan chan struct{}),
	}
}

// run ticks until ctx ends; then it gives up every shard.
func (e *election) run(ctx context.Context) {
	every := beaconEvery
	if e.b.o.Exclusive {
		every = aloneEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	e.tick(ctx, time.Now())
	for {
		select {
		case <-ctx.Done():
			e.releaseAll(ctx)
			return
		case now := <-tick.C:
			e.tick(ctx, now)
		case done := <-e.drain:
			e.releaseAll(ctx)
			close(done)
		}
	}
}

func (e *election) tick(ctx context.Context, scheduled time.Time) {
	now := time.Now()
	if !e.b.o.Exclusive && !e.lastTick.IsZero() && max(now.Sub(e.lastTick), now.Sub(scheduled)) > lateTick {
		e.b.metrics.lateTicks.Inc()
		e.abandon("its own beacon was late")
		e.connected = now // what came meanwhile has to be read first
	}
	e.lastTick = now
	if !e.b.live.IsConnected() {
		e.connected = now
		return
	}
	e.reap(now)
	e.show(now)
	if e.b.draining.Load() {
		e.releaseAll(ctx)
		return
	}
	e.consider(ctx, now)
	e.balance(now)
}

// reap stops owners of an older term, since another node has taken over from them, and forgets those that have stopped.
func (e *election) reap(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for shard, o := range e.owners {
		if o.lease.Term < e.b.term(shard) {
			o.stop()
		}
		select {
		case <-o.done:
			delete(e.owners, shard)
			e.blocked[shard] = now.Add(claimSilence)
		default:
		}
	}
	e.b.metrics.owned.Set(float64(len(e.owners)))
}

// show sends the beacon.
func (e *election) show(now time.Time) {
	e.mu.Lock()
	beacon := beacon{node: e.b.id, name: e.b.o.Name, draining: e.b.draining.Load()}
	for shard, o := range e.owners {
		beacon.shards = append(beacon.shards, claim{shard: shard, term: o.lease.Term, position: o.position(), epoch: o.lease.Epoch})
	}
	for shard, r := range e.released {
		if now.After(r.until) {
			delete(e.released, shard)
			continue
		}
		beacon.shards = append(beacon.shards, r.claim)
	}
	e.mu.Unlock()
	e.buffer = beacon.append(e.buffer[:0])
	if err := e.b.live.Publish(e.b.layout.Beacon(), e.buffer); err != nil {
		e.b.metrics.lateTicks.Inc()
	}
}

// consider starts a claim for every shard that needs a new owner, and whose turn it is for this node to try.
func (e *election) consider(ctx context.Context, now time.Time) {
	nodes, owned := e.b.roster.living(now, claimSilence)
	for i, shard := range e.b.layout.All() {
		known, _ := e.b.roster.owner(shard)
		if !e.mayClaim(shard, now) || !e.due(known, e.rank(nodes, owned, i), now) {
			continue
		}
		e.mu.Lock()
		e.claiming[shard] = true
		e.mu.Unlock()
		e.claims.Go(func() { e.claim(ctx, shard, known) })
	}
}

func (e *election) mayClaim(shard layout.Shard, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.owners[shard] == nil && !e.claiming[shard] && !now.Before(e.blocked[shard])
}

// due says whether the candidate of that rank may claim now.
func (e *election) due(known ownership, rank int, now time.Time) bool {
	wait := time.Duration(rank) * claimStep
	switch {
	case e.b.o.Exclusive:
		return true
	case known.released && known.successor == e.b.id:
		return true
	case known.released:
		return now.Sub(known.seen) > beaconEvery*2+wait
	case known.term > 0 && now.Sub(known.seen) < claimSilence:
		stuck := e.b.seen(known.shard) > known.position && now.Sub(known.advanced) > stuckAfter+wait
		return stuck && now.Sub(known.since) > claimKept
	default:
		silentSince := e.connected
		if known.seen.After(silentSince) {
			silentSince = known.seen
		}
		return now.Sub(silentSince) > claimSilence+wait
	}
}

// rank orders the candidates for a shard: nodes that own little first, and among equals each shard has another first.
func (e *election) rank(nodes []Node, owned map[string]int, shard int) int {
	candidates := slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return n.Draining })
	n := len(candidates)
	order := map[string]int{}
	for i, c := range candidates {
		order[c.ID] = ((i-shard)%n + n) % n
	}
	slices.SortFunc(candidates, func(a, b Node) int {
		if d := owned[a.ID] - owned[b.ID]; d != 0 {
			return d
		}
		return order[a.ID] - order[b.ID]
	})
	return max(0, slices.IndexFunc(candidates, func(c Node) bool { return c.ID == e.b.id }))
}

// claim tries to become the owner of a shard.
func (e *election) claim(ctx context.Context, shard layout.Shard, known ownership) {
	state, err := streamInfo(ctx, e.b.live, e.b.layout.Stream(shard))
	var l lease
	if err == nil {
		l, err = e.b.claimLease(ctx, shard, known, state)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.claiming, shard)
	if err != nil {
		e.b.metrics.claimErrors.Inc()
		e.b.log.Debug("could not claim a shard", "shard", shard.String(), "error", err)
		e.blocked[shard] = time.Now().Add(claimStep)
		return
	}
	// Also if this node drains by now: the lease is its, and whoever owns a shard releases it.
	delete(e.released, shard)
	e.b.learn(shard, l.Term, l.Epoch, l.Position)
	e.owners[shard] = e.b.startOwner(shard, l)
}

// balance hands one shard to the node that owns the fewest, if this one has at least two more.
func (e *election) balance(now time.Time) {
	if now.Sub(e.lastBalance) < balanceEvery {
		return
	}
	nodes, owned := e.b.roster.living(now, claimSilence)
	e.mu.Lock()
	mine := len(e.owners)
	var moving layout.Shard
	found := false
	for shard, o := range e.owners {
		if known, ok := e.b.roster.owner(shard); ok && known.term == o.lease.Term && now.Sub(known.since) > claimKept {
			moving, found = shard, true
			break
		}
	}
	e.mu.Unlock()
	least := leastLoaded(nodes, owned, e.b.id)
	if found && least != "" && mine-owned[least] >= 2 {
		e.lastBalance = now
		e.release(moving, least)
	}
}

// leastLoaded is the node, other than self, that takes shards and owns the fewest; "" if there is none.
func leastLoaded(nodes []Node, owned map[string]int, self string) string {
	best := ""
	for _, n := range nodes {
		if n.ID != self && !n.Draining && (best == "" || owned[n.ID] < owned[best]) {
			best = n.ID
		}
	}
	return best
}

// release stops owning a shard and says so. The successor begins where this owner ended.
func (e *election) release(shard layout.Shard, successor string) {
	e.mu.Lock()
	o := e.owners[shard]
	delete(e.owners, shard)
	e.mu.Unlock()
	if o == nil {
		return
	}
	o.stop()
	<-o.done
	e.mu.Lock()
	e.released[shard] = release{
		claim{
			shard: shard, term: o.lease.Term, position: o.position(), epoch: o.lease.Epoch, released: true, successor: successor,
		},
		time.Now().Add(releaseShown),
	}
	e.mu.Unlock()
	e.show(time.Now())
}

// releaseAll hands every shard over, spread over the living nodes, and notes the positions in the leases for nodes that have yet
// to start. If there is no node to take them, it keeps them until ctx ends.
func (e *election) releaseAll(ctx context.Context) {
	e.claims.Wait()
	nodes, owned := e.b.roster.living(time.Now(), claimSilence)
	if leastLoaded(nodes, owned, e.b.id) == "" && ctx.Err() == nil {
		return
	}
	e.mu.Lock()
	owners := slices.Collect(maps.Values(e.owners))
	e.mu.Unlock()
	for _, o := range owners {
		o.stop()
	}
	var notes sync.WaitGroup
	for _, o := range owners {
		successor := leastLoaded(nodes, owned, e.b.id)
		owned[successor]++
		e.release(o.shard, successor)
		notes.Go(func() {
			if err := e.b.releaseLease(context.Background(), o.shard, o.lease, o.position()); err != nil {
				e.b.log.Debug("could not note a released lease", "shard", o.shard.String(), "error", err)
			}
		})
	}
	notes.Wait()
}

// abandon stops every owner at once, without a word to others: this node can't know whether it still owns anything.
func (e *election) abandon(why string) {
	e.mu.Lock()
	owners := e.owners
	e.owners = map[layout.Shard]*owner{}
	e.mu.Unlock()
	if len(owners) == 0 {
		return
	}
	e.b.metrics.abandoned.Add(float64(len(owners)))
	e.b.log.Warn("abandoned all shards", "shards", len(owners), "reason", why)
	for _, o := range owners {
		o.stop()
	}
	for _, o := range owners {
		<-o.done
	}
}
