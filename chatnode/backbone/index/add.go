package index

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// storeRest is for how long Add doesn't ask a store that did not answer: a store that is down must not stop every message.
const storeRest = time.Second

// Add notes a message of the feed; messages must come in the order of the stream. It returns the feed's previous sequence, 0 if
// there is none. Known is false if that could not be found out, since the store didn't answer within AddTimeout or has lost it;
// the entry is noted nevertheless.
//
// A message that the index covers already changes nothing; the answer is the sequence before it.
//
// A feed in memory costs no store operation; see Prefetch for the others. If memory is full of entries that the store doesn't
// take, Add waits for AddTimeout and returns ErrFull: nothing was noted then, and the same call should be tried again.
// Other errors: ErrDeposed, ErrClosed.
func (x *Index) Add(feed string, e Entry) (prev uint64, known bool, err error) {
	if e.Seq == 0 || e.Seq > MaxSeq {
		return 0, false, fmt.Errorf("add to %s: sequence %d is out of range", feed, e.Seq)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended != nil {
		return 0, false, x.ended
	}
	if e.Seq <= x.position {
		return x.replayed(feed, e.Seq)
	}
	f := x.feeds[feed]
	if x.used >= x.options.MaxBytes || f == nil || !f.based && f.empty() {
		if f, err = x.prepare(feed); err != nil {
			x.count.refused.Add(1)
			return 0, false, err
		}
	}
	prev, known = f.previous()
	if !known {
		x.count.unknown.Add(1)
	}
	x.append(f, e)
	x.position = e.Seq
	return prev, known, nil
}

// append adds the entry to the feed and counts its memory.
func (x *Index) append(f *feed, e Entry) {
	before, full := cap(f.head.buf), len(f.full)
	f.add(e, x.options.pageEntries, x.options.Term)
	switch grown := cap(f.head.buf) - before; {
	case len(f.full) != full:
		x.resize(f)
	case grown > 0:
		f.size += grown
		x.grow(grown)
	}
	if !f.unsaved.linked() {
		x.unsaved.push(&f.unsaved)
	}
	x.touch(&f.recent)
}

// prepare is what Add does when it has to wait: for memory, or for a feed that is in the store. A store that doesn't answer
// leaves the feed without its past. x.mu is held before and after, not meanwhile.
func (x *Index) prepare(key string) (*feed, error) {
	ctx, cancel := context.WithTimeout(x.life, x.options.AddTimeout)
	defer cancel()
	if err := x.awaitRoom(ctx); err != nil {
		return nil, err
	}
	if x.options.Now().Before(x.retryAt) && x.spilled {
		return x.enter(key), nil
	}
	f, err := x.resident(ctx, key)
	if err == nil {
		return f, nil
	}
	if x.ended != nil {
		return nil, x.ended
	}
	if errors.Is(err, ErrFull) {
		return nil, err
	}
	x.retryAt = x.options.Now().Add(storeRest)
	return x.enter(key), nil
}

// replayed answers Add for a message that the index has. x.mu is held before and after, not meanwhile.
func (x *Index) replayed(feed string, seq uint64) (prev uint64, known bool, err error) {
	x.mu.Unlock()
	defer x.mu.Lock()
	ctx, cancel := context.WithTimeout(x.life, x.options.AddTimeout)
	defer cancel()
	seqs, end, err := x.before(ctx, feed, seq, 1)
	switch {
	case errors.Is(err, ErrDeposed) || errors.Is(err, ErrClosed):
		return 0, false, err
	case err != nil || end == endLost && len(seqs) == 0:
		x.count.unknown.Add(1)
		return 0, false, nil
	case len(seqs) == 0:
		return 0, true, nil
	}
	return seqs[0], true, nil
}

// Prefetch brings feeds into memory, several at a time, so that Add finds them there. It returns the first error.
func (x *Index) Prefetch(ctx context.Context, feeds []string) error {
	x.mu.Lock()
	var missing []string
	for _, key := range feeds {
		if f := x.feeds[key]; f == nil || !f.based {
			missing = append(missing, key)
		}
	}
	x.mu.Unlock()
	return x.parallel(len(missing), func(i int) error {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, err := x.resident(ctx, missing[i])
		return err
	})
}

// parallel does n things, some at a time, and stops at the first error, which it returns.
func (x *Index) parallel(n int, do func(i int) error) error {
	var (
		mu    sync.Mutex
		next  int
		first error
		wg    sync.WaitGroup
	)
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		next++
		return next - 1, next <= n && first == nil
	}
	for range min(n, x.options.Parallel) {
		wg.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := do(i); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}
