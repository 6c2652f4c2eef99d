package backbone

import (
	"context"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

// A stream without its first messages has discarded them, which makes answers incomplete, or they were erased, which doesn't. NATS
// can't tell; the ledger can.

// erased are those among the sequences that were erased because of an event that has been followed up.
func (l *ledger) erased(ctx context.Context, seqs []uint64) (erased []uint64, err error) {
	known := map[string]map[uint64]bool{}
	for _, seq := range seqs {
		key := erasedKey(seq)
		all := known[key]
		if all == nil {
			all = map[uint64]bool{}
			known[key] = all
			err := l.index.Ascend(ctx, key, 0, func(leaf index.Leaf) bool {
				for _, e := range leaf.Entries {
					for _, gone := range e.Note.Mentions {
						all[gone] = true
					}
				}
				return true
			})
			if err != nil {
				return nil, err
			}
		}
		if all[seq] {
			erased = append(erased, seq)
		}
	}
	return erased, nil
}

// trim tells the index up to where the stream has discarded its messages, after each time that the reader began anew. Until then it
// lists messages of which readers find out themselves that they are gone.
func (o *owner) trim(ctx context.Context) {
	first := o.first.Load()
	if first <= o.trimmed || o.read.at() < o.before {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, coverWait)
	defer cancel()
	if o.ledger.settle(ctx) != nil {
		return // the next time
	}
	for from := max(o.floor, 1); from < first; from += erasedSpan {
		span := make([]uint64, 0, erasedSpan)
		for seq := from; seq < first && len(span) < erasedSpan; seq++ {
			span = append(span, seq)
		}
		erased, err := o.ledger.erased(ctx, span)
		if err != nil {
			return
		}
		if !slices.Equal(erased, span) {
			o.floor = first
			o.index.Trim(first)
			o.ledger.touched.renew()
			break
		}
	}
	o.trimmed = first
}
