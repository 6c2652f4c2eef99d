package index

import (
	"context"
	"errors"
	"strconv"
)

// Store keeps the index's values under keys made of letters, digits and "-_=./". Every call has a deadline in its context.
type Store interface {
	// Get gives a key's value, which the caller may keep, and its revision; ErrNotFound if there is none. It must not answer
	// with less than what was acknowledged before.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// Put writes a value whatever was there.
	Put(ctx context.Context, key string, value []byte) error
	// Update writes a value if the key still has that revision (0: no value), and gives the new one; else ErrConflict.
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
}

var (
	// ErrNotFound is a Store's answer for a key without value.
	ErrNotFound = errors.New("no such key in the index store")
	// ErrConflict is a Store's answer to an update of a revision that is no longer the newest.
	ErrConflict = errors.New("somebody else has written the key")
)

func (x *Index) checkpointKey() string      { return x.shard + ".checkpoint" }
func (x *Index) headKey(feed string) string { return x.shard + "." + feed + ".head" }

func (x *Index) pageKey(feed string, l link) string {
	return x.shard + "." + feed + "." + strconv.FormatUint(l.first, 36) + "-" + strconv.FormatUint(l.term, 36)
}

func (x *Index) get(ctx context.Context, key string) ([]byte, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, x.options.StoreTimeout)
	defer cancel()
	x.count.reads.Add(1)
	value, revision, err := x.store.Get(ctx, key)
	if err != nil && !errors.Is(err, ErrNotFound) {
		x.count.failures.Add(1)
	}
	return value, revision, err
}

func (x *Index) put(ctx context.Context, key string, value []byte) error {
	ctx, cancel := context.WithTimeout(ctx, x.options.StoreTimeout)
	defer cancel()
	x.count.wrote(value)
	err := x.store.Put(ctx, key, value)
	if err != nil {
		x.count.failures.Add(1)
	}
	return err
}

func (x *Index) update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, x.options.StoreTimeout)
	defer cancel()
	x.count.wrote(value)
	revision, err := x.store.Update(ctx, key, value, revision)
	switch {
	case errors.Is(err, ErrConflict):
		x.count.conflicts.Add(1)
	case err != nil:
		x.count.failures.Add(1)
	}
	return revision, err
}
