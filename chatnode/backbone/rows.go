package backbone

import (
	"context"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

const (
	// maxReactions is how many reactions to one message are given, and maxRowReactions after how many an answer ends.
	maxReactions    = 1000
	maxRowReactions = 10_000
)

// placed is a message's entry with the number of its leaf.
type placed struct {
	index.Entry
	leaf uint64
}

// rows answers a question about messages.
func (l *ledger) rows(ctx context.Context, q question) (rows []row, more bool, err error) {
	limit := q.Limit
	if limit <= 0 || limit > MaxMessages {
		limit = MaxMessages
	}
	key, back := messagesKey(q.Feed), q.Offset == 0
	switch {
	case q.Seek != nil:
		back = q.Seek.Back
		var ok bool
		if q.Offset, q.Before, ok, err = l.seek(ctx, key, q.Seek); !ok || err != nil {
			return nil, false, err
		}
	case q.Thread > 0:
		key = threadKey(q.Feed, q.Thread)
	}
	var found []placed
	take := func(leaf index.Leaf) bool {
		if back {
			slices.Reverse(leaf.Entries)
		}
		for _, e := range leaf.Entries {
			if len(found) > limit || q.Before > 0 && e.Seq >= q.Before {
				return false
			}
			p := placed{e, leaf.Number}
			if q.Thread > 0 {
				p.leaf = e.Note.Target
			}
			found = append(found, p)
		}
		return true
	}
	if back {
		err = l.index.Descend(ctx, key, q.Before, take)
	} else {
		err = l.index.Ascend(ctx, key, q.Offset, take)
	}
	if err != nil {
		return nil, false, err
	}
	if more = len(found) > limit; more {
		found = found[:limit]
	}
	rows, err = l.fill(ctx, q.Feed, found)
	if len(rows) < len(found) {
		more = true
	}
	if back {
		slices.Reverse(rows)
	}
	if err == nil && q.Seek != nil {
		err = l.rank(ctx, key, rows)
	}
	return rows, more, err
}

// row answers a question about one message.
func (l *ledger) row(ctx context.Context, q question) ([]row, error) {
	e, leaf, ok, err := l.index.Place(ctx, messagesKey(q.Feed), q.Offset)
	if err != nil || !ok {
		return nil, err
	}
	return l.fill(ctx, q.Feed, []placed{{e, leaf}})
}

// fill says what has become of messages. It may end early after a row with very many reactions.
func (l *ledger) fill(ctx context.Context, feed string, messages []placed) (rows []row, err error) {
	leaves, reactions := map[uint64]map[uint64]*change{}, 0
	for _, m := range messages {
		all, ok := leaves[m.leaf]
		if !ok {
			if all, err = l.changes(ctx, feed, m.leaf); err == nil {
				err = l.reactions(ctx, feed, m.leaf, all)
			}
			if err != nil {
				return nil, err
			}
			leaves[m.leaf] = all
		}
		r := row{Offset: m.Seq, Time: m.Time}
		if c := all[m.Seq]; c != nil {
			if r.Deleted = c.deleted; r.Deleted == 0 {
				if words := c.words(); words != c.offset {
					r.Edited = words
				}
				r.Reactions = slices.Clone(c.reacted)
				slices.Reverse(r.Reactions)
			}
			if c.thread {
				if r.Replies, err = l.replies(ctx, feed, m.Seq); err != nil {
					return nil, err
				}
			}
		}
		rows = append(rows, r)
		if reactions += len(r.Reactions); reactions >= maxRowReactions {
			break
		}
	}
	return rows, nil
}
