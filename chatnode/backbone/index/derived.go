package index

import (
	"context"
	"errors"
	"fmt"
)

// Beside the feeds that the stream's subjects make there may be derived ones, under any other key: a choice of a feed's messages, or of
// what concerns them. They are bounded, spilled, saved and taken over like all feeds. Which entries they have must follow from the
// stream and from entries before: then an owner that adds them again finds them there, or adds the same.

// Extend adds an entry to a derived feed, unless that has it, or newer ones, already. The caller must pass only what belongs to
// messages that were added, in order for each feed, and let Checkpoint reach no further than what it has passed. Errors are those of
// Add. If the stream's times go back, as they may when its leader changes, the feed's stand still.
func (x *Index) Extend(feed string, e Entry) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended != nil {
		return x.ended
	}
	f := x.feeds[feed]
	if x.used >= x.options.MaxBytes || f == nil || !f.based && f.empty() {
		var err error
		if f, err = x.prepare(feed); err != nil {
			x.count.refused.Add(1)
			return err
		}
	}
	if e.Seq > f.head.last.Seq {
		e.Time = max(e.Time, f.head.last.Time)
		x.append(f, e)
	}
	return nil
}

// Skip says that messages between those added so far and the sequence first are gone and not known: answers that would need them are
// not complete.
func (x *Index) Skip(first uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.from = max(x.from, first)
	x.position = max(x.position, first-1)
}

// Pass says that there is nothing between the messages added so far and the sequence next that the index should know.
func (x *Index) Pass(next uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.position = max(x.position, next-1)
}

// Size is how many entries a feed has, and its oldest entry if all are in one page (Seq is 0 otherwise).
func (x *Index) Size(ctx context.Context, feed string) (entries int, first Entry, err error) {
	v, err := x.view(ctx, feed)
	if err != nil {
		return 0, Entry{}, fmt.Errorf("size of %s: %w", feed, err)
	}
	if v.head.number == 0 {
		first = v.head.first.entry()
	}
	return int(v.head.number)*x.options.pageEntries + v.head.count, first, nil
}

// Leaf is a run of a feed's entries, oldest first. Leaves are numbered from 0; a leaf's number stays, as do the entries in it.
type Leaf struct {
	Number  uint64
	Entries []Entry
}

// Place finds the entry with that sequence and the number of its leaf.
func (x *Index) Place(ctx context.Context, feed string, seq uint64) (e Entry, leaf uint64, ok bool, err error) {
	v, err := x.view(ctx, feed)
	var p *page
	if err == nil {
		p, err = x.pageAt(ctx, &v, seq)
	}
	if err != nil && !errors.Is(err, errLost) {
		return Entry{}, 0, false, fmt.Errorf("place of %d in %s: %w", seq, feed, err)
	}
	if p == nil || err != nil {
		return Entry{}, 0, false, nil
	}
	for e := range p.all() {
		if e.Seq == seq {
			return e, p.number, true, nil
		}
	}
	return Entry{}, 0, false, nil
}

// Ascend visits the feed's entries after the sequence that the stream has not discarded, leaf by leaf, until visit returns false.
// What the store has lost is left out.
func (x *Index) Ascend(ctx context.Context, feed string, after uint64, visit func(Leaf) bool) error {
	v, err := x.view(ctx, feed)
	if err != nil {
		return fmt.Errorf("entries of %s after %d: %w", feed, after, err)
	}
	after = min(max(after, v.floor-1), MaxSeq)
	n, _, err := x.start(ctx, &v, after, true)
	for ; err == nil && n <= v.head.number; n++ {
		var p *page
		p, err = x.page(ctx, &v, n)
		if errors.Is(err, errLost) {
			err = nil
			continue
		}
		if err == nil && !p.visit(after+1, MaxSeq, visit) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("entries of %s after %d: %w", feed, after, err)
	}
	return nil
}

// Descend visits the feed's entries before the sequence (0: all) that the stream has not discarded, the newest leaf first, until visit
// returns false. It ends at what the store has lost.
func (x *Index) Descend(ctx context.Context, feed string, before uint64, visit func(Leaf) bool) error {
	if before == 0 {
		before = MaxSeq + 1
	}
	v, err := x.view(ctx, feed)
	if err == nil {
		err = x.walkBack(ctx, &v, before-1, func(p *page) bool {
			return p.visit(v.floor, before-1, visit) && p.first.Seq > v.floor
		})
	}
	if err != nil && !errors.Is(err, errLost) {
		return fmt.Errorf("entries of %s before %d: %w", feed, before, err)
	}
	return nil
}

// visit shows the page's entries between two sequences, if there are any.
func (p *page) visit(from, to uint64, visit func(Leaf) bool) bool {
	if p.count == 0 || p.last.Seq < from {
		return true
	}
	entries := make([]Entry, 0, p.count)
	for e := range p.all() {
		if e.Seq > to {
			break
		}
		if e.Seq >= from {
			entries = append(entries, e)
		}
	}
	return len(entries) == 0 || visit(Leaf{p.number, entries})
}
