package index

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"
)

// refresh is how old the record may get when nothing happens in the shard: the store may discard what is old.
const refresh = time.Hour

// takeOver reads the checkpoint and writes it again as the new owner's, which makes every later write of it by a former owner fail.
func (x *Index) takeOver(ctx context.Context) error {
	for range 5 {
		value, revision, err := x.get(ctx, x.checkpointKey())
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		record, fresh, err := x.succeed(value, revision)
		if err != nil {
			return err
		}
		revision, err = x.update(ctx, x.checkpointKey(), record.encode(), revision)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		x.tag, x.saved, x.savedAs, x.savedAt = record.tag, record, revision, x.options.Now()
		x.floor, x.spilled = x.options.First, !fresh
		x.position, x.from = record.covered, record.from
		return nil
	}
	return ErrConflict
}

// succeed gives the new owner's record in place of the former owner's, and says whether the index starts from nothing.
func (x *Index) succeed(former []byte, revision uint64) (record checkpoint, fresh bool, err error) {
	o := x.options
	record, err = decodeCheckpoint(former)
	if err == nil && record.incarnation == o.Incarnation {
		if record.term > o.Term {
			return checkpoint{}, false, fmt.Errorf("%w in term %d, this is %d", ErrDeposed, record.term, o.Term)
		}
		if record.covered <= o.Last {
			if record.term = o.Term; record.covered+1 < o.First {
				record.from, record.covered = o.First, o.First-1
			}
			return record, false, nil
		}
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %d %d", o.Incarnation, o.Term, revision)
	return checkpoint{tag: h.Sum64(), term: o.Term, from: o.First, covered: o.First - 1, incarnation: o.Incarnation}, true, nil
}

// verify returns ErrDeposed if the checkpoint in the store is no longer this owner's.
func (x *Index) verify(ctx context.Context) error {
	value, _, err := x.get(ctx, x.checkpointKey())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	record, err := decodeCheckpoint(value)
	if err == nil && record.tag == x.tag && record.term == x.options.Term {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.end(ErrDeposed)
}

// Checkpoint saves every feed that has changed and then notes in the store that everything added before the call is there, up to the
// sequence until: what comes after it will be added again by the next owner. It may run beside Add. Errors: ErrDeposed, ErrClosed,
// those of the store; the checkpoint before stays valid then.
func (x *Index) Checkpoint(ctx context.Context, until uint64) error {
	x.saving.Lock()
	defer x.saving.Unlock()
	x.mu.Lock()
	covered, from, ended := max(min(x.position, until), x.saved.covered), x.from, x.ended
	x.checkpoint, x.unsaved = x.unsaved, x.checkpoint
	x.mu.Unlock()
	if ended != nil {
		return ended
	}
	if err := x.saveFeeds(ctx); err != nil {
		return fmt.Errorf("checkpoint of %s: %w", x.shard, err)
	}
	if covered == x.saved.covered && x.options.Now().Sub(x.savedAt) < refresh {
		return nil
	}
	if err := x.saveRecord(ctx, from, covered); err != nil {
		return fmt.Errorf("checkpoint of %s: %w", x.shard, err)
	}
	return nil
}

// saveFeeds flushes the feeds in x.checkpoint. It leaves the list empty: at an error what is left goes back to x.unsaved.
func (x *Index) saveFeeds(ctx context.Context) error {
	var wg sync.WaitGroup
	var first error
	for range x.options.Parallel {
		wg.Go(func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			for n := x.checkpoint.back(); n != nil && first == nil; n = x.checkpoint.back() {
				n.unlink()
				if err := x.flush(ctx, n.of); err != nil {
					if first == nil {
						first = err
					}
					if !n.linked() {
						x.unsaved.push(n)
					}
				}
			}
		})
	}
	wg.Wait()
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unsaved.takeAll(x.checkpoint)
	return first
}

// saveRecord writes the record that everything between the sequences is in the store.
func (x *Index) saveRecord(ctx context.Context, from, covered uint64) error {
	record := x.saved
	record.from, record.covered = from, covered
	for range 3 {
		revision, err := x.update(ctx, x.checkpointKey(), record.encode(), x.savedAs)
		if err == nil {
			x.saved, x.savedAs, x.savedAt = record, revision, x.options.Now()
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return err
		}
		// Either a successor's record, or an own one of which only the answer was lost.
		if _, x.savedAs, err = x.get(ctx, x.checkpointKey()); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := x.verify(ctx); err != nil {
			return err
		}
	}
	return ErrConflict
}
