package backbone

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

const (
	// maxRecalled is how many messages one look ahead keeps; further ones are found by further looks.
	maxRecalled = 100_000
	// maxErasedFront is how many messages may be missing before the stream's first one to be taken for erased. More were discarded.
	maxErasedFront = 4096
)

// recall knows of messages that an owner doesn't find in the stream, as it reads it for the first time, since they were erased after an
// edit or a deletion: these events, which come later, tell what the index needs. So an index built again from the log is the same.
//
// Nothing is looked for as long as no sequence is missing. Otherwise the headers of the stream are read once more, ahead of the messages.
type recall struct {
	found map[uint64]*stored // by the offset of the missing message
	order []uint64           // these offsets, ascending, as far as they are still to be added
	// from and to are the sequences between which everything that can be found has been.
	from, to uint64
}

// fillGap adds the messages that are missing before s.
func (o *owner) fillGap(ctx context.Context, s stored) error {
	for from := o.index.Covered() + 1; from < s.body.Offset; {
		if first := o.first.Load(); from < first && first-from > maxErasedFront {
			o.index.Skip(first)
			from = first
			continue
		}
		if from < o.recall.from || from > o.recall.to {
			if err := o.lookAhead(ctx, from, s.body.Offset); err != nil {
				return err
			}
		}
		to := min(s.body.Offset-1, o.recall.to)
		if err := o.addMissing(ctx, from, to, s.body.Time); err != nil {
			return err
		}
		from = to + 1
	}
	return nil
}

// addMissing adds what was found of the messages between two sequences. Of the others nothing is left to tell: former edits, say. They are
// noted as gone, so that nobody who comes upon them later takes them, and with them what was found, for discarded. Before the stream's
// first message they may be that nevertheless, so answers that would need them are not complete.
func (o *owner) addMissing(ctx context.Context, from, to uint64, time int64) error {
	for o.recall.first() < from {
		o.recall.pop()
	}
	complete := true
	for seq := from; seq <= to; {
		if seq == o.recall.first() {
			if err := o.addRecalled(ctx, o.recall.pop(), time); err != nil {
				return err
			}
			seq++
			continue
		}
		complete = complete && seq >= o.first.Load()
		next := min(o.recall.first(), to+1, seq+maxErasedNoted)
		o.index.Pass(next)
		if err := o.ledger.noteMissing(ctx, seq, next, time); err != nil {
			return err
		}
		seq = next
	}
	if !complete {
		o.index.Skip(min(o.first.Load(), to+1))
	}
	return nil
}

// addRecalled adds one message that was found.
func (o *owner) addRecalled(ctx context.Context, m *stored, time int64) error {
	m.body.Time = time
	if _, _, err := o.index.Add(m.key, index.Entry{Seq: m.body.Offset, Time: time}); err != nil {
		return err
	}
	if err := o.ledger.note(ctx, *m); err != nil {
		return err
	}
	o.b.metrics.recalled.Inc()
	return nil
}

// errAhead ends a look ahead.
var errAhead = errors.New("the end of the stream")

// lookAhead finds what edits and deletions, from the sequence start on, tell of messages from the sequence from on.
func (o *owner) lookAhead(ctx context.Context, from, start uint64) error {
	o.recall = recall{found: map[uint64]*stored{}, from: from}
	last := uint64(0)
	r := reader{
		heartbeat: readHeartbeat, bare: true,
		nc: o.b.live, stream: o.b.layout.Stream(o.shard), prefix: o.b.layout.StoredPrefix(o.shard), inbox: o.b.layout.Inbox(o.b.id) + ".l",
		opened: func(state streamState) error {
			last = max(last, state.Last)
			o.first.Store(max(o.first.Load(), state.First)) // what was discarded since the reader began must not be noted as erased
			return nil
		},
		deliver: func(s stored) error {
			o.recall.take(s)
			if s.body.Offset >= last {
				return errAhead
			}
			return nil
		},
		caughtUp: func(uint64) {},
	}
	// Its last messages may be erased: then the end shows in the consumer's heartbeat.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.caughtUp = func(at uint64) {
		if at >= last {
			cancel(errAhead)
		}
	}
	err := r.run(ctx, start)
	if !errors.Is(err, errAhead) && !errors.Is(context.Cause(ctx), errAhead) {
		return err
	}
	if o.recall.to == 0 {
		o.recall.to = last
	}
	o.recall.to = max(o.recall.to, from)
	o.recall.order = slices.Sorted(maps.Keys(o.recall.found))
	return nil
}

// first is the first message that is still to be added, beyond all sequences if there is none.
func (r *recall) first() uint64 {
	if len(r.order) == 0 {
		return index.MaxSeq + 1
	}
	return r.order[0]
}

// pop forgets that message.
func (r *recall) pop() *stored {
	m := r.found[r.order[0]]
	delete(r.found, r.order[0])
	r.order = r.order[1:]
	return m
}

// take looks at one message.
func (r *recall) take(s stored) {
	n := s.body.Note
	late := n.Target < r.from || n.Target >= s.body.Offset || r.to > 0 && n.Target > r.to
	if n.Kind != NoteEdit && n.Kind != NoteDelete || late || r.found[n.Target] != nil {
		return
	}
	r.found[n.Target] = &stored{key: s.key, body: &Message{
		Offset: n.Target, Note: Note{Kind: NoteMessage, Target: n.Thread, Sender: n.Sender, Mentions: n.Mentions},
	}}
	if len(r.found) < 2*maxRecalled {
		return
	}
	targets := slices.Sorted(maps.Keys(r.found))
	for _, seq := range targets[maxRecalled:] {
		delete(r.found, seq)
	}
	r.to = targets[maxRecalled-1]
}
