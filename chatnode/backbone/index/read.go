package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Head is the feed's newest entry, even if the stream has discarded it; ok is false if there is none or the store has lost it.
func (x *Index) Head(ctx context.Context, feed string) (e Entry, ok bool, err error) {
	v, err := x.view(ctx, feed)
	if err != nil {
		return Entry{}, false, fmt.Errorf("head of %s: %w", feed, err)
	}
	return v.head.last.entry(), v.head.count > 0, nil
}

// After lists the feed's sequences after seq, at most limit, ascending. More is true if there are further ones. Complete is false
// if some of the feed's messages after seq may have been discarded by the stream, or are lost to the index.
func (x *Index) After(ctx context.Context, feed string, seq uint64, limit int) (seqs []uint64, more, complete bool, err error) {
	v, err := x.view(ctx, feed)
	if err == nil {
		seqs, more, complete, err = x.after(ctx, &v, seq, limit)
	}
	if err != nil {
		return nil, false, false, fmt.Errorf("sequences of %s after %d: %w", feed, seq, err)
	}
	return seqs, more, complete, nil
}

func (x *Index) after(ctx context.Context, v *view, seq uint64, limit int) (seqs []uint64, more, complete bool, err error) {
	n, complete, err := x.start(ctx, v, max(seq, v.floor-1), seq+1 >= v.floor)
	if err != nil {
		return nil, false, false, err
	}
	complete = complete && seq+1 >= v.from
	for ; n <= v.head.number; n++ {
		p, err := x.page(ctx, v, n)
		if errors.Is(err, errLost) {
			complete = false
			continue
		}
		if err != nil {
			return nil, false, false, err
		}
		for e := range p.all() {
			switch {
			case e.Seq <= seq:
			case e.Seq < v.floor:
				complete = false
			case len(seqs) == limit:
				return seqs, true, complete, nil
			default:
				seqs = append(seqs, e.Seq)
			}
		}
	}
	return seqs, false, complete, nil
}

// start gives the number of the page to begin with for what is after the sequence. Complete is true if that page has the feed's last
// entry up to the sequence, so that nothing is missing between; a feed that begins later is complete if fromStart says so.
func (x *Index) start(ctx context.Context, v *view, seq uint64, fromStart bool) (n uint64, complete bool, err error) {
	p, err := x.pageAt(ctx, v, seq)
	switch {
	case errors.Is(err, errLost):
		n, err = x.oldest(ctx, v)
		return n, false, err
	case err != nil:
		return 0, false, err
	case p == nil:
		return 0, fromStart, nil
	}
	return p.number, true, nil
}

// Before lists the feed's sequences before seq (0: from the end), at most limit, descending. More is true if there are further ones.
// Complete is false if there are fewer than limit and older ones may have been discarded by the stream or are lost to the index.
func (x *Index) Before(ctx context.Context, feed string, seq uint64, limit int) (seqs []uint64, more, complete bool, err error) {
	seqs, end, err := x.before(ctx, feed, seq, limit)
	if err != nil {
		return nil, false, false, fmt.Errorf("sequences of %s before %d: %w", feed, seq, err)
	}
	full := len(seqs) == limit
	return seqs, end == endLimit || end == endLost && full, full || end == endStart, nil
}

// end is why a walk back through a feed ended.
type end uint8

const (
	endLimit   end = iota // there are further entries
	endStart              // it was the first entry of a stream that has discarded nothing
	endTrimmed            // older ones were discarded by the stream, if there were any
	endLost               // older ones exist, and the store doesn't have them any more
)

func (x *Index) before(ctx context.Context, feed string, seq uint64, limit int) (seqs []uint64, why end, err error) {
	if seq == 0 {
		seq = MaxSeq + 1
	}
	v, err := x.view(ctx, feed)
	if err != nil {
		return nil, 0, err
	}
	why = endStart
	if v.floor > 1 {
		why = endTrimmed
	}
	err = x.walkBack(ctx, &v, seq-1, func(p *page) bool {
		var of []uint64
		for e := range p.all() {
			if e.Seq < seq {
				of = append(of, e.Seq)
			}
		}
		for _, s := range slices.Backward(of) {
			if s < v.floor {
				why = endTrimmed
				return false
			}
			if len(seqs) == limit {
				why = endLimit
				return false
			}
			seqs = append(seqs, s)
		}
		return p.first.Seq > v.floor
	})
	if errors.Is(err, errLost) {
		why, err = endLost, nil
	}
	return seqs, why, err
}

// walkBack visits the feed's pages, from the one with the sequence back to the first or until visit returns false; errLost if a page
// is not in the store.
func (x *Index) walkBack(ctx context.Context, v *view, from uint64, visit func(*page) bool) error {
	p, err := x.pageAt(ctx, v, from)
	for err == nil && p != nil && visit(p) && p.number > 0 {
		p, err = x.follow(ctx, v, p.links[0])
	}
	return err
}

// clockSlack is by how much the stream's times may go back when its leader changes.
const clockSlack = time.Minute

// Find lists the feed's messages since that time whose id has the hash, newest first: candidates, whose whole id the caller
// compares. Ids are known for 25 hours. Errors: ErrIncomplete if the store lost a part of the feed since that time, and those of
// the store.
func (x *Index) Find(ctx context.Context, feed string, id uint64, since time.Time) (seqs []uint64, err error) {
	oldest := since.UnixMilli()
	v, err := x.view(ctx, feed)
	if err != nil {
		return nil, fmt.Errorf("find an id in %s: %w", feed, err)
	}
	err = x.walkBack(ctx, &v, MaxSeq, func(p *page) bool {
		var of []uint64
		for e := range p.all() {
			if e.ID == id && id != 0 && e.Time >= oldest && e.Seq >= v.floor {
				of = append(of, e.Seq)
			}
		}
		slices.Reverse(of)
		seqs = append(seqs, of...)
		return p.first.Seq > v.floor && p.first.Time >= oldest-clockSlack.Milliseconds()
	})
	if errors.Is(err, errLost) {
		err = ErrIncomplete
	}
	if err != nil {
		return nil, fmt.Errorf("find an id in %s: %w", feed, err)
	}
	return seqs, nil
}
