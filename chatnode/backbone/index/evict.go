package index

import (
	"context"
	"time"
)

const (
	// sweepFeeds is how many feeds the sweeper saves in one go.
	sweepFeeds = 64
	// sweepLook is how many things it looks at while it holds the mutex.
	sweepLook = 256
	// sweepRest is how long it rests when the store does not take anything.
	sweepRest = 50 * time.Millisecond
)

// evictable is something in memory that can be had again from the store.
type evictable interface {
	// evict removes it from memory; it returns false if it can't, at the moment.
	evict(x *Index) bool
}

func (f *feed) evict(x *Index) bool {
	if f.busy != nil || f.dirty() {
		return false
	}
	if !f.empty() || f.head.number > 0 {
		x.spilled = true
		x.count.evictions.Add(1)
	}
	x.drop(f)
	return true
}

// drop removes the feed from memory.
func (x *Index) drop(f *feed) {
	delete(x.feeds, f.key)
	f.recent.unlink()
	f.unsaved.unlink()
	x.grow(-f.size)
}

// resize counts the feed's memory anew.
func (x *Index) resize(f *feed) {
	size := f.bytes()
	x.grow(size - f.size)
	f.size = size
}

// grow changes the count of used bytes: it wakes the sweeper at seven eighths of the bound, and those who wait for memory below it.
func (x *Index) grow(bytes int) {
	x.used += bytes
	if bytes > 0 && x.used > x.options.MaxBytes/8*7 {
		x.wakeSweeper()
	}
	if bytes < 0 && x.used < x.options.MaxBytes {
		close(x.room)
		x.room = make(chan struct{})
	}
}

func (x *Index) wakeSweeper() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// touch makes it the last thing to be evicted.
func (x *Index) touch(n *node[evictable]) {
	n.unlink()
	x.recent.push(n)
}

// awaitRoom waits until memory is below its bound, and returns ErrFull at the end of the context or of StoreTimeout. x.mu is held
// before and after, not meanwhile.
func (x *Index) awaitRoom(ctx context.Context) error {
	if x.used < x.options.MaxBytes {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, x.options.StoreTimeout)
	defer cancel()
	for x.used >= x.options.MaxBytes {
		x.wakeSweeper()
		if err := x.await(ctx, x.room); err != nil {
			if ctx.Err() != nil && x.ended == nil {
				return ErrFull
			}
			return x.end(ErrClosed)
		}
	}
	return nil
}

// sweep keeps memory under its bound until the index is closed.
func (x *Index) sweep() {
	defer close(x.swept)
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-x.life.Done():
			return
		case <-x.wake:
		}
		for x.evictSome() {
			rest.Reset(sweepRest)
			select {
			case <-x.life.Done():
				return
			case <-rest.C:
			}
		}
	}
}

// evictSome evicts what was not used for the longest time until three quarters of the bound are used; it returns true if it
// could not.
func (x *Index) evictSome() (stuck bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		unsaved, evicted := x.evictSaved()
		if x.used <= x.options.MaxBytes/4*3 || x.ended != nil {
			return false
		}
		x.mu.Unlock()
		err := x.parallel(len(unsaved), func(i int) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			if err := x.flush(x.life, unsaved[i]); err != nil {
				return err
			}
			if x.feeds[unsaved[i].key] == unsaved[i] {
				unsaved[i].evict(x)
			}
			return nil
		})
		x.mu.Lock()
		if err != nil || len(unsaved)+evicted == 0 {
			return x.ended == nil
		}
	}
}

// evictSaved evicts what the store has, says how much that was, and returns feeds that must be saved first.
func (x *Index) evictSaved() (unsaved []*feed, evicted int) {
	n := x.recent.back()
	for look := 0; look < sweepLook && n != nil && len(unsaved) < sweepFeeds && x.used > x.options.MaxBytes/4*3; look++ {
		this := n.of
		n = x.recent.before(n)
		if this.evict(x) {
			evicted++
		} else if f, ok := this.(*feed); ok {
			unsaved = append(unsaved, f)
		}
	}
	return unsaved, evicted
}
