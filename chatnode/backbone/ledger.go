package backbone

import (
	"context"
	"strconv"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// The feeds that an owner derives from those of its shard, so that what is asked of messages costs no more in a large room than in a
// small one. Each is the index's like any other: bounded, spilled, saved, taken over.
//
//	<feed>.m        its messages: of each the thread, the sender and the mentions. Its leaves, of 256 messages, number all that follows.
//	<feed>.c.<leaf> edits and deletions of the messages in that leaf, and of each thread that begins in it the first reply.
//	<feed>.r.<leaf> reactions to the messages in that leaf.
//	<feed>.t.<msg>  the replies to a message, each with its leaf; .d.<msg> deletions of such replies.
//	=erased.<n>     which of the shard's sequences from n·4096 on were erased, or were gone without a trace when the index was built again,
//	                so that they aren't taken for discarded.
//
// So a page of messages takes one or two leaves of the first and the changes of these, at any place of the feed, and to count what is
// unread takes one leaf and its changes for every 256 messages. The price: a message costs 6 to 14 bytes more (of 13 before) in memory and in the
// store, and one with very many changes is slow together with the 255 next to it.
func messagesKey(feed string) string             { return feed + ".m" }
func changesKey(feed string, leaf uint64) string { return feed + ".c." + strconv.FormatUint(leaf, 36) }
func reactionsKey(feed string, leaf uint64) string {
	return feed + ".r." + strconv.FormatUint(leaf, 36)
}
func threadKey(feed string, msg uint64) string   { return feed + ".t." + strconv.FormatUint(msg, 36) }
func unthreadKey(feed string, msg uint64) string { return feed + ".d." + strconv.FormatUint(msg, 36) }
func erasedKey(seq uint64) string                { return "=erased." + strconv.FormatUint(seq/erasedSpan, 36) }

const (
	erasedSpan = 4096
	// maxFollowing is how many changes of one shard may wait to be followed up; beyond it, the shard's reader waits.
	maxFollowing = 16384
)

// ledger keeps the derived feeds of one shard. A message is noted at once (note); what a change brings with it is looked up and
// written a moment later and in order (follow), so that a store that doesn't answer delays no message.
type ledger struct {
	b     *Backbone
	shard layout.Shard
	index *index.Index
	erasing
	// touched tells whose counts have changed.
	touched *touched

	mu     sync.Mutex
	queue  []*stored     // changes to be followed up, in order; the first is under way
	woken  chan struct{} // something was queued
	room   chan struct{} // something was taken off
	queued uint64        // the last change that was queued
	// followed is the last change that was followed up.
	followed progress
}

func newLedger(b *Backbone, shard layout.Shard, x *index.Index) *ledger {
	l := &ledger{b: b, shard: shard, index: x, touched: newTouched(), woken: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	l.erasing.init()
	return l
}

// note takes the stream's next message, which is in the index's own feed already.
func (l *ledger) note(ctx context.Context, s stored) error {
	n := s.body.Note
	if n.Kind == NoteNone {
		return nil
	}
	if n.Kind == NoteMessage {
		if err := l.index.Extend(messagesKey(s.key), entryOf(s.body, n.Target)); err != nil {
			return err
		}
	}
	if n.Kind != NoteMessage || n.Target != 0 {
		if err := l.enqueue(ctx, &stored{key: s.key, body: &Message{Offset: s.body.Offset, Time: s.body.Time, Note: n}}); err != nil {
			return err
		}
	}
	if n.Kind != NoteReaction {
		l.touched.add(keyHash(s.key)) // now that whoever counts takes it in
	}
	return nil
}

// noteMissing takes the sequences from one to before another, which are gone from the stream and of which nothing tells. They go the way
// of a change, though one without a kind, since what was erased must be noted in order.
func (l *ledger) noteMissing(ctx context.Context, from, before uint64, time int64) error {
	return l.enqueue(ctx, &stored{body: &Message{Offset: from, Time: time, Note: Note{Target: before}}})
}

// followMissing notes them down.
func (l *ledger) followMissing(missing *Message) error {
	gone := make([]uint64, 0, maxErasedNoted)
	for seq := missing.Offset; seq < missing.Note.Target; seq++ {
		gone = append(gone, seq)
	}
	return l.noteErased(missing, gone)
}

// enqueue lets a change be followed up.
func (l *ledger) enqueue(ctx context.Context, s *stored) error {
	for {
		l.mu.Lock()
		if len(l.queue) < maxFollowing {
			l.queue = append(l.queue, s)
			l.queued = s.body.Offset
			l.mu.Unlock()
			signal(l.woken)
			return nil
		}
		l.mu.Unlock()
		select {
		case <-l.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run follows changes up until ctx ends.
func (l *ledger) run(ctx context.Context) {
	for ctx.Err() == nil {
		l.mu.Lock()
		var next *stored
		if len(l.queue) > 0 {
			next = l.queue[0]
		}
		l.mu.Unlock()
		if next == nil {
			select {
			case <-l.woken:
			case <-ctx.Done():
			}
			continue
		}
		if err := l.follow(ctx, next); err != nil {
			l.b.metrics.followErrors.Inc()
			sleep(ctx, readRetryWait)
			continue
		}
		l.mu.Lock()
		l.queue = l.queue[1:]
		l.mu.Unlock()
		signal(l.room)
		l.followed.set(next.body.Offset)
	}
}

// settle waits until everything that was noted is followed up.
func (l *ledger) settle(ctx context.Context) error {
	l.mu.Lock()
	queued := l.queued
	l.mu.Unlock()
	return l.followed.wait(ctx, queued)
}

// settled is the sequence, at most read, up to which nothing is left to do: a checkpoint may reach so far.
func (l *ledger) settled(read uint64) uint64 {
	l.mu.Lock()
	if len(l.queue) > 0 {
		read = min(read, l.queue[0].body.Offset-1)
	}
	l.mu.Unlock()
	return l.erasing.settled(read)
}

// entryOf is a message's entry in a derived feed, with that target.
func entryOf(m *Message, target uint64) index.Entry {
	return index.Entry{Seq: m.Offset, Time: m.Time, Note: index.Note{
		Kind: uint8(m.Note.Kind), Target: target, Sender: m.Note.Sender, Mentions: m.Note.Mentions,
	}}
}
