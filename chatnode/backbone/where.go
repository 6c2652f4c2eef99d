package backbone

import (
	"context"
	"fmt"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Where feeds are, for those who keep something of each shard on the node that owns it.

// ShardOf is the part of the log that a feed lives in, for ever.
func (b *Backbone) ShardOf(feed Feed) layout.Shard { return b.layout.ShardOf(feed) }

// Shard is that of a name, as Shard.String gives it; false if the log has none.
func (b *Backbone) Shard(name string) (layout.Shard, bool) {
	for _, s := range b.layout.All() {
		if s.String() == name {
			return s, true
		}
	}
	return layout.Shard{}, false
}

// OwnerOf is the id of the node that owns a shard, as far as this one knows; false while nobody does.
func (b *Backbone) OwnerOf(shard layout.Shard) (node string, ok bool) {
	known, ok := b.roster.owner(shard)
	if !ok || known.released || !b.o.Exclusive && time.Since(known.seen) > claimSilence {
		return "", false
	}
	return known.node, true
}

// Newest is the newest offset in a shard that this node knows of.
func (b *Backbone) Newest(shard layout.Shard) uint64 { return b.seen(shard) }

// Oldest reads the first offset that a shard has: what was before is discarded or erased. Errors: ErrUnavailable, the context's.
func (b *Backbone) Oldest(ctx context.Context, shard layout.Shard) (uint64, error) {
	state, err := streamInfo(ctx, b.main, b.layout.Stream(shard))
	if err != nil {
		return 0, fmt.Errorf("look at the stream of %s (%w): %w", shard, err, ErrUnavailable)
	}
	return state.First, nil
}
