package backbone

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Erase overwrites a message of a feed in the log, for ever. It is nil if the message is gone already, or is none of the feed. A message
// that is erased without a deletion (see NoteDelete) is still listed and counted. Errors: ErrUnavailable, the context's.
func (b *Backbone) Erase(ctx context.Context, feed Feed, offset uint64) error {
	return b.erase(ctx, b.main, b.layout.ShardOf(feed), offset, func(s *stored) bool { return s.key == feed.Key() })
}

// erase erases a message if it is one that may be. When it has its turn, it tries again until it is gone, for at most askWait.
func (b *Backbone) erase(ctx context.Context, nc *nats.Conn, shard layout.Shard, offset uint64, may func(*stored) bool) error {
	done, err := b.eraseTurns.take(ctx, shard, b.replicas)
	if err != nil {
		return fmt.Errorf("wait to erase message %d of %s (%w): %w", offset, shard, err, ErrUnavailable)
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	unanswered := false
	for {
		// Numbers come from events, which may be wrong: nothing of another feed may be hit. And what was erased by an attempt without
		// an answer is seen here.
		found, err := b.fetchFromLeader(ctx, shard, offset, false)
		if err == nil && (found == nil || !may(found)) {
			if unanswered && found == nil {
				b.metrics.erasures.WithLabelValues("unsure").Inc() // see Linger
			}
			return nil
		}
		if err == nil {
			err = apiRequest(ctx, nc, "$JS.API.STREAM.MSG.DELETE."+b.layout.Stream(shard), fmt.Appendf(nil, `{"seq":%d,"no_erase":false}`, offset), nil)
		}
		if err == nil {
			return nil
		}
		var refused *apiError
		unanswered = unanswered || found != nil && !errors.As(err, &refused)
		if !sleep(ctx, readRetryWait) {
			return fmt.Errorf("erase message %d of %s (%w): %w", offset, shard, err, ErrUnavailable)
		}
	}
}

// eraseTurns let one erase at a time in each shard. A server that is alone overwrites one message of a stream after the other, and each of its
// few workers that waits for that answers nobody else. With replicas, the workers don't wait.
type eraseTurns struct {
	mu    sync.Mutex
	turns map[layout.Shard]chan struct{}
}

// take waits until it is the caller's turn, which ends with done.
func (e *eraseTurns) take(ctx context.Context, shard layout.Shard, replicas int) (done func(), err error) {
	if replicas > 1 {
		return func() {}, nil
	}
	e.mu.Lock()
	turn := e.turns[shard]
	if turn == nil {
		if e.turns == nil {
			e.turns = map[layout.Shard]chan struct{}{}
		}
		turn = make(chan struct{}, 1)
		e.turns[shard] = turn
	}
	e.mu.Unlock()
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
