package backbone

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// lease is the value of a shard's key in the leases bucket. It is claimed by compare-and-set on the key's revision.
type lease struct {
	Node string `json:"node"`
	// Term grows with each claim. It is kept in the value and not taken from the revision, since a one-server backbone may lose
	// its newest revisions in a power cut and count them again.
	Term uint64 `json:"term"`
	// Epoch names the incarnation of the shard's stream.
	Epoch string `json:"epoch"`
	// Created is when the stream was made, and Machine what must still run for numbers not to have been used again; see newEpoch.
	Created time.Time `json:"created"`
	Machine string    `json:"machine,omitempty"`
	// Position is how far the shard was dispatched when its owner released it.
	Position uint64 `json:"position,omitempty"`
	Released bool   `json:"released,omitempty"`
}

const (
	claimWait = 2 * time.Second
	// termsLost is more than the number of claims that a log may have forgotten together with its last messages.
	termsLost = 1000
)

// errHeld says that somebody else has claimed the shard meanwhile.
var errHeld = errors.New("the shard is held by another node")

// claimLease makes this node the owner of a shard. known is the newest claim that beacons have shown.
func (b *Backbone) claimLease(ctx context.Context, shard layout.Shard, known ownership, state streamState) (lease, error) {
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	old, revision, err := b.readLease(ctx, shard)
	if err != nil {
		return lease{}, err
	}
	if old.Term > known.term && !old.Released && revision > 0 && old.Node != b.id && b.roster.alive(old.Node) {
		return lease{}, errHeld // its first beacon is still on its way
	}
	mine := lease{
		Node: b.id, Term: max(old.Term, b.term(shard)) + 1, Epoch: old.Epoch, Created: state.Created, Machine: b.machine(),
		Position: max(old.Position, known.position),
	}
	switch {
	case old.Epoch == "" || !old.Created.Equal(mine.Created) || old.Machine != mine.Machine || mine.Position > state.Last:
		mine.Epoch = newEpoch()
		mine.Term += termsLost
		mine.Position = min(mine.Position, state.Last)
	case known.term == 0 && !old.Released:
		mine.Position = state.Last // nobody here has heard of the last owner: whoever has will find a hole and fill it
	}
	return mine, b.writeLease(ctx, shard, mine, revision)
}

// newEpoch makes up a name for an incarnation of a stream. The incarnation changes when the stream is made anew, when it turns out
// to be shorter than it was, and, with one replica that is not synced at each write, when the machine under it has restarted: it
// may have lost its last messages, and have given their numbers to others.
func newEpoch() string {
	var raw [4]byte
	_, _ = rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}

// releaseLease lets the next node claim at once, even if it sees no beacon of this one.
func (b *Backbone) releaseLease(ctx context.Context, shard layout.Shard, mine lease, position uint64) error {
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	now, revision, err := b.readLease(ctx, shard)
	if err != nil {
		return err
	}
	if now.Term != mine.Term {
		return errHeld
	}
	mine.Released, mine.Position = true, position
	return b.writeLease(ctx, shard, mine, revision)
}

func (b *Backbone) readLease(ctx context.Context, shard layout.Shard) (lease, uint64, error) {
	entry, err := b.leases.Get(ctx, shard.String())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return lease{}, 0, nil
	}
	if err != nil {
		return lease{}, 0, fmt.Errorf("read lease of %s: %w", shard, err)
	}
	var l lease
	if err := json.Unmarshal(entry.Value(), &l); err != nil {
		return lease{}, 0, fmt.Errorf("read lease of %s: %w", shard, err)
	}
	return l, entry.Revision(), nil
}

func (b *Backbone) writeLease(ctx context.Context, shard layout.Shard, l lease, revision uint64) error {
	value, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err = b.leases.Update(ctx, shard.String(), value, revision); err != nil {
		return fmt.Errorf("write lease of %s: %w", shard, err)
	}
	return nil
}

func (r *roster) alive(node string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.nodes[node]
	return p != nil && time.Since(p.seen) < nodeLease
}
