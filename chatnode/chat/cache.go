package chat

import (
	"context"
	"sync"
)

// maxCached is how many rows of one table a node remembers; beyond it, any are forgotten.
const maxCached = 100_000

// cache remembers what rows of a table say, until they change. Values are shared and never changed.
type cache[V any] struct {
	load func(ctx context.Context, key string) (V, error)

	mu    sync.Mutex
	slots map[string]*slot[V]
}

// slot is one row: remembered, or being read.
type slot[V any] struct {
	done  chan struct{} // closed when it has been read
	value V
	err   error
}

func newCache[V any](load func(ctx context.Context, key string) (V, error)) *cache[V] {
	return &cache[V]{load: load, slots: map[string]*slot[V]{}}
}

// peek gives the row if it is remembered.
func (c *cache[V]) peek(key string) (value V, ok bool) {
	c.mu.Lock()
	s := c.slots[key]
	c.mu.Unlock()
	if s == nil {
		return value, false
	}
	select {
	case <-s.done:
		return s.value, s.err == nil
	default:
		return value, false
	}
}

// get gives the row, and reads it if it is not remembered. Whoever asks while it is being read waits for that one.
func (c *cache[V]) get(ctx context.Context, key string) (V, error) {
	c.mu.Lock()
	s := c.slots[key]
	if s == nil {
		s = &slot[V]{done: make(chan struct{})}
		c.makeRoom()
		c.slots[key] = s
		c.mu.Unlock()
		c.fill(ctx, key, s)
		return s.value, s.err
	}
	c.mu.Unlock()
	select {
	case <-s.done:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	if s.err != nil { // of somebody whose time may have been shorter
		return c.load(ctx, key)
	}
	return s.value, nil
}

// fill reads a row into its slot. A failure is not remembered.
func (c *cache[V]) fill(ctx context.Context, key string, s *slot[V]) {
	s.value, s.err = c.load(ctx, key)
	close(s.done)
	if s.err != nil {
		c.mu.Lock()
		if c.slots[key] == s {
			delete(c.slots, key)
		}
		c.mu.Unlock()
	}
}

// makeRoom needs mu.
func (c *cache[V]) makeRoom() {
	for key := range c.slots {
		if len(c.slots) < maxCached {
			return
		}
		delete(c.slots, key)
	}
}

// forget makes the next get read the row; so does one that is under way, since it may have read the row before it changed. An empty key
// is all rows.
func (c *cache[V]) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key == "" {
		clear(c.slots)
		return
	}
	delete(c.slots, key)
}
