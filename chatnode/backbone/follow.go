package backbone

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

// follow writes down what a reply or a change brings with it, and has erased what it makes void. It may be done again, by this owner
// or a later one, with the same outcome: it looks at nothing but what comes before in the log.
func (l *ledger) follow(ctx context.Context, s *stored) error {
	target := s.body.Note.Target
	switch s.body.Note.Kind {
	case NoteNone:
		return l.followMissing(s.body)
	case NoteMessage:
		return l.followReply(ctx, s)
	}
	message, leaf, ok, err := l.index.Place(ctx, messagesKey(s.key), target)
	if err != nil {
		return err
	}
	if !ok || target >= s.body.Offset {
		l.b.metrics.stray.Inc()
		return l.eraseUnknown(ctx, s)
	}
	was, err := l.changesOf(ctx, s.key, leaf, target, s.body.Offset)
	if err != nil {
		return err
	}
	switch {
	case s.body.Note.Kind == NoteDelete && was.deleted == 0:
		return l.followDelete(ctx, s, message, leaf, was)
	case s.body.Note.Kind == NoteDelete:
		return nil
	case was.deleted > 0:
		return l.erase(ctx, s, s.body.Offset) // it came too late
	case s.body.Note.Kind == NoteReaction:
		return l.index.Extend(reactionsKey(s.key, leaf), entryOf(s.body, target))
	default:
		if err := l.index.Extend(changesKey(s.key, leaf), entryOf(s.body, target)); err != nil {
			return err
		}
		return l.erase(ctx, s, was.words())
	}
}

// followReply puts a message into its thread, and lets the thread's first message know if it is the first reply.
func (l *ledger) followReply(ctx context.Context, s *stored) error {
	first := s.body.Note.Target
	_, leaf, ok, err := l.index.Place(ctx, messagesKey(s.key), s.body.Offset)
	if err != nil || !ok {
		return err
	}
	replies, oldest, err := l.index.Size(ctx, threadKey(s.key, first))
	if err != nil {
		return err
	}
	if err := l.index.Extend(threadKey(s.key, first), entryOf(s.body, leaf)); err != nil {
		return err
	}
	if replies > 0 && oldest.Seq != s.body.Offset {
		return nil
	}
	_, leaf, ok, err = l.index.Place(ctx, messagesKey(s.key), first)
	if err != nil || !ok {
		return err
	}
	return l.index.Extend(changesKey(s.key, leaf), entryOf(s.body, first))
}

func (l *ledger) followDelete(ctx context.Context, s *stored, message index.Entry, leaf uint64, was change) error {
	void := append([]uint64{was.offset}, was.edits...)
	err := l.index.Ascend(ctx, reactionsKey(s.key, leaf), was.offset, func(leaf index.Leaf) bool {
		for _, e := range leaf.Entries {
			if e.Note.Target == was.offset && e.Seq < s.body.Offset {
				void = append(void, e.Seq)
			}
		}
		return true
	})
	if err == nil {
		err = l.index.Extend(changesKey(s.key, leaf), entryOf(s.body, was.offset))
	}
	if err == nil && message.Note.Target != 0 {
		err = l.index.Extend(unthreadKey(s.key, message.Note.Target), entryOf(s.body, was.offset))
	}
	if err != nil {
		return err
	}
	return l.erase(ctx, s, void...)
}

// change is what has become of one message.
type change struct {
	offset uint64
	// edits are those before the deletion, oldest first, and mentions those of the newest.
	edits    []uint64
	mentions []uint64
	deleted  uint64 // the first deletion, 0 if there is none
	thread   bool   // it has replies
	reacted  []uint64
}

// words is the offset of the newest words.
func (c *change) words() uint64 {
	if n := len(c.edits); n > 0 {
		return c.edits[n-1]
	}
	return c.offset
}

// take adds an entry of the changes of the message's leaf.
func (c *change) take(e index.Entry) {
	switch kind := NoteKind(e.Note.Kind); {
	case kind == NoteMessage:
		c.thread = true
	case c.deleted > 0:
	case kind == NoteEdit:
		c.edits, c.mentions = append(c.edits, e.Seq), e.Note.Mentions
	case kind == NoteDelete:
		c.deleted = e.Seq
	}
}

// changesOf is what had become of one message in a leaf before the sequence.
func (l *ledger) changesOf(ctx context.Context, feed string, leaf, offset, before uint64) (change, error) {
	c := change{offset: offset}
	err := l.index.Ascend(ctx, changesKey(feed, leaf), offset, func(leaf index.Leaf) bool {
		for _, e := range leaf.Entries {
			if e.Note.Target == offset && e.Seq < before {
				c.take(e)
			}
		}
		return true
	})
	return c, err
}

// changes are what has become of the messages in a leaf that have changed.
func (l *ledger) changes(ctx context.Context, feed string, leaf uint64) (map[uint64]*change, error) {
	all := map[uint64]*change{}
	err := l.index.Ascend(ctx, changesKey(feed, leaf), 0, func(leaf index.Leaf) bool {
		for _, e := range leaf.Entries {
			changeIn(all, e.Note.Target).take(e)
		}
		return true
	})
	return all, err
}

func changeIn(all map[uint64]*change, offset uint64) *change {
	c := all[offset]
	if c == nil {
		c = &change{offset: offset}
		all[offset] = c
	}
	return c
}

// reactions adds the reactions to the messages in a leaf, the newest maxReactions of each.
func (l *ledger) reactions(ctx context.Context, feed string, leaf uint64, all map[uint64]*change) error {
	return l.index.Descend(ctx, reactionsKey(feed, leaf), 0, func(leaf index.Leaf) bool {
		for i := len(leaf.Entries) - 1; i >= 0; i-- {
			if c := changeIn(all, leaf.Entries[i].Note.Target); len(c.reacted) < maxReactions {
				c.reacted = append(c.reacted, leaf.Entries[i].Seq)
			}
		}
		return true
	})
}

// replies is how many messages in a thread aren't deleted.
func (l *ledger) replies(ctx context.Context, feed string, first uint64) (int, error) {
	all, _, err := l.index.Size(ctx, threadKey(feed, first))
	if err != nil {
		return 0, err
	}
	gone, _, err := l.index.Size(ctx, unthreadKey(feed, first))
	return max(0, all-gone), err
}
