package backbone

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// MaxUnread is up to where unread messages are counted.
const MaxUnread = 10_000

// UnreadQuestion asks how much of a feed a user has not read.
type UnreadQuestion struct {
	Feed Feed
	// After is the offset up to which the user has read, 0 for nothing.
	After uint64
	// User is the NameHash of the user, whose own messages don't count.
	User uint64
}

// Unread is the answer. It is exact as long as no more than MaxUnread messages, of whomever, lie behind the mark; of more it counts the
// newest MaxUnread.
type Unread struct {
	// Messages are those of others that aren't deleted, Mentions those among them that mention the user as of their newest edit.
	Messages, Mentions int
	// Last is the offset of the newest message, of whomever, that isn't deleted, and LastTime (in milliseconds since 1970) that at which
	// it was stored; 0 if there is none.
	Last     uint64
	LastTime int64
}

// unreadAsk is one part of a question about unread messages.
type unreadAsk struct {
	Feed  string `json:"f"`
	After uint64 `json:"a,omitempty"`
	User  uint64 `json:"u,omitempty"`
}

// unreadShards is how many shards are asked at a time.
const unreadShards = 8

// Unread counts what is unread in many feeds; the answers are in the order of the questions. What was appended before the call through
// this node is taken into account. Errors: ErrUnavailable, the context's.
func (b *Backbone) Unread(ctx context.Context, qs []UnreadQuestion) ([]Unread, error) {
	out := make([]Unread, len(qs))
	byShard := map[layout.Shard][]int{}
	for i, q := range qs {
		shard := b.layout.ShardOf(q.Feed)
		byShard[shard] = append(byShard[shard], i)
	}
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(unreadShards)
	for shard, all := range byShard {
		asking.Go(func() error {
			for len(all) > 0 {
				some := all[:min(len(all), maxFeedsAsked)]
				all = all[len(some):]
				if err := b.unread(ctx, shard, qs, some, out); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// unread asks the owner of a shard the questions of these numbers.
func (b *Backbone) unread(ctx context.Context, shard layout.Shard, qs []UnreadQuestion, numbers []int, out []Unread) error {
	q := question{Op: "unread"}
	for _, i := range numbers {
		q.Unread = append(q.Unread, unreadAsk{qs[i].Feed.Key(), qs[i].After, qs[i].User})
	}
	a, err := b.ask(ctx, shard, q)
	if err != nil {
		return err
	}
	if len(a.Unread) != len(numbers) {
		return fmt.Errorf("malformed answer of a shard's owner: %w", ErrUnavailable)
	}
	for n, i := range numbers {
		out[i] = a.Unread[n]
	}
	return nil
}

// ChangesQuestion asks in which feeds of a shard counts have changed.
type ChangesQuestion struct {
	Shard layout.Shard
	// Since is a moment that an earlier answer gave as Now.
	Since Moment
	// Most is how many feeds are named at most; if there are more, that is not known.
	Most int
}

// Changes asks which feeds' counts may have changed; the answers are in the order of the questions. So whoever asks for changes first and
// then counts what has changed knows all counts as they were at the new moment, or later. What was appended before the call through this
// node is taken into account. Errors: ErrUnavailable, the context's.
func (b *Backbone) Changes(ctx context.Context, qs []ChangesQuestion) ([]Changes, error) {
	out := make([]Changes, len(qs))
	asking, ctx := errgroup.WithContext(ctx)
	asking.SetLimit(unreadShards)
	for i, q := range qs {
		asking.Go(func() error {
			a, err := b.ask(ctx, q.Shard, question{Op: "unread", Moment: &q.Since, Limit: q.Most})
			if err == nil && a.Changes != nil {
				out[i] = *a.Changes
			}
			return err
		})
	}
	if err := asking.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}
