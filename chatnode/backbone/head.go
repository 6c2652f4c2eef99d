package backbone

import (
	"context"
	"fmt"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Head is the position of a feed's newest message at a moment after the call began. Nothing that was acknowledged before the call, to
// whomever in the fleet, lies beyond it, also while the shard's owner has yet to read it: that is waited for. Errors: ErrUnavailable, the
// context's.
func (b *Backbone) Head(ctx context.Context, feed Feed) (Position, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	shard := b.layout.ShardOf(feed)
	end, err := b.end(ctx, shard)
	if err != nil {
		return Position{}, err
	}
	a, err := b.ask(ctx, shard, question{Op: "heads", Feed: feed.Key(), Covers: end})
	if err != nil {
		return Position{}, err
	}
	return a.head()
}

// end is the newest sequence of a shard's stream. Its leader is asked, for as long as the context allows: one that has just been elected
// knows of all that its predecessor has acknowledged, and any other replica may be behind.
func (b *Backbone) end(ctx context.Context, shard layout.Shard) (uint64, error) {
	for {
		state, err := streamInfo(ctx, b.main, b.layout.Stream(shard))
		if err == nil {
			return state.Last, nil
		}
		if !sleep(ctx, readRetryWait) {
			return 0, fmt.Errorf("look for the end of %s (%w): %w", shard, err, ErrUnavailable)
		}
	}
}
