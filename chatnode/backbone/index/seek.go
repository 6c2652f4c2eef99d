package index

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sort"
)

// A derived feed can be entered at a time or at a rank, since its times never go back and its pages are all full but the newest. Both take a
// number of steps that grows with the logarithm of the feed's length.

// SeekTime gives the sequence and the rank of the feed's first entry with that time (in milliseconds since 1970) or a later one; ok is false
// if there is none. What the store has lost is passed over. Errors are those of the store.
func (x *Index) SeekTime(ctx context.Context, feed string, time int64) (seq, rank uint64, ok bool, err error) {
	v, err := x.view(ctx, feed)
	if err == nil {
		seq, rank, ok, err = x.seekTime(ctx, &v, time)
	}
	return seq, rank, ok, sought(feed, err)
}

// sought says what was looked for in vain.
func sought(feed string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, errLost) {
		err = ErrIncomplete
	}
	return fmt.Errorf("seek in %s: %w", feed, err)
}

func (x *Index) seekTime(ctx context.Context, v *view, time int64) (seq, rank uint64, ok bool, err error) {
	// The entry is in the page before the first one that begins with that time or later, or it is the beginning of this one.
	n := sort.Search(int(v.head.number)+1, func(n int) bool {
		p, e := x.page(ctx, v, uint64(n))
		if errors.Is(e, errLost) {
			return false
		}
		if err = errors.Join(err, e); err != nil || p.count == 0 {
			return true
		}
		return p.first.Time >= time
	})
	for at := uint64(max(n-1, 0)); err == nil && at <= v.head.number; at++ {
		var p *page
		if p, err = x.page(ctx, v, at); errors.Is(err, errLost) {
			err = nil
			continue
		}
		if err != nil {
			break
		}
		rank = at * uint64(x.options.pageEntries)
		for e := range p.all() {
			if e.Time >= time {
				return e.Seq, rank, true, nil
			}
			rank++
		}
	}
	return 0, 0, false, err
}

// SeekRank gives the sequence of the entry before which so many others of the feed lie, or of the first one behind it that the store has not
// lost; ok is false if there is none. Ranks stay, also when the stream discards messages. Errors: those of SeekTime.
func (x *Index) SeekRank(ctx context.Context, feed string, rank uint64) (seq uint64, ok bool, err error) {
	v, err := x.view(ctx, feed)
	n, left := rank/uint64(x.options.pageEntries), rank%uint64(x.options.pageEntries)
	if err != nil || n > v.head.number {
		return 0, false, sought(feed, err)
	}
	p, err := x.page(ctx, &v, n)
	if errors.Is(err, errLost) {
		left = 0
		if n, err = x.oldest(ctx, &v); err == nil {
			p, err = x.page(ctx, &v, n)
		}
	}
	if err != nil {
		return 0, false, sought(feed, err)
	}
	for e := range p.all() {
		if left == 0 {
			return e.Seq, true, nil
		}
		left--
	}
	return 0, false, nil
}

// RankOf gives the rank of the entry with that sequence, and the number of entries before it that have its time; ok is false if there is no
// such entry. Errors: ErrIncomplete if the store lost it, and those of the store.
func (x *Index) RankOf(ctx context.Context, feed string, seq uint64) (rank, tie uint64, ok bool, err error) {
	v, err := x.view(ctx, feed)
	var p *page
	if err == nil {
		p, err = x.pageAt(ctx, &v, seq)
	}
	if err != nil || p == nil {
		return 0, 0, false, sought(feed, err)
	}
	rank = p.number * uint64(x.options.pageEntries)
	last := int64(math.MinInt64)
	for e := range p.all() {
		if tie++; e.Time != last {
			tie, last = 0, e.Time
		}
		if e.Seq == seq {
			if tie == rank-p.number*uint64(x.options.pageEntries) && rank > tie { // the page before may end with the same time
				_, first, _, err := x.seekTime(ctx, &v, e.Time)
				return rank, rank - first, true, sought(feed, err)
			}
			return rank, tie, true, nil
		}
		rank++
	}
	return 0, 0, false, nil
}
