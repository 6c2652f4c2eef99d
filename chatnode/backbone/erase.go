package backbone

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Erase overwrites a message of a feed in the log, for ever. It is nil if the message is gone already, or is none of the feed. A message
// that is erased without a deletion (see NoteDelete) is still listed and counted. Errors: ErrUnavailable, the context's.
func (b *Backbone) Erase(ctx context.Context, feed Feed, offset uint64) error {
	return b.erase(ctx, b.main, b.layout.ShardOf(feed), offset, func(s *stored) bool { return s.key == feed.Key() })
}

// erase erases a message if it is one that may be. It tries again until it is gone, for at most askWait.
func (b *Backbone) erase(ctx context.Context, nc *nats.Conn, shard layout.Shard, offset uint64, may func(*stored) bool) error {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	for {
		// Numbers come from events, which may be wrong: nothing of another feed may be hit. And what was erased by an attempt without
		// an answer is seen here.
		found, err := b.fetchFromLeader(ctx, shard, offset, false)
		if err == nil && (found == nil || !may(found)) {
			return nil
		}
		if err == nil {
			err = apiRequest(ctx, nc, "$JS.API.STREAM.MSG.DELETE."+b.layout.Stream(shard), fmt.Appendf(nil, `{"seq":%d,"no_erase":false}`, offset), nil)
		}
		if err == nil {
			return nil
		}
		if !sleep(ctx, readRetryWait) {
			return fmt.Errorf("erase message %d of %s (%w): %w", offset, shard, err, ErrUnavailable)
		}
	}
}
