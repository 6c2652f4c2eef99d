package index

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	shard    = layout.Shard{Kind: layout.Room, Number: 7}
	errDown  = errors.New("the store is down")
	bigLimit = 1 << 30
)

// disk is what several owners' stores share.
type disk struct {
	mu       sync.Mutex
	revision uint64
	values   map[string]stored
}

type stored struct {
	value    []byte
	revision uint64
}

func newDisk() *disk { return &disk{values: map[string]stored{}} }

// remove deletes every key that the function picks.
func (d *disk) remove(pick func(key string) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.values, func(key string, _ stored) bool { return pick(key) })
}

// handle is one owner's way to the disk. It can be told to break.
type handle struct {
	disk *disk
	mu   sync.Mutex
	// left is how many operations still work; negative is no limit.
	left int
	// loseAnswer makes the operation at which the store breaks happen nevertheless.
	loseAnswer bool
	// meanwhile is called once, before the operation with that number from now.
	meanwhile func()
	countdown int
}

func (d *disk) open() *handle { return &handle{disk: d, left: -1} }

func (h *handle) breakAfter(operations int, loseAnswer bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.left, h.loseAnswer = operations, loseAnswer
}

func (h *handle) heal() { h.breakAfter(-1, false) }

func (h *handle) whenReached(operations int, do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.countdown, h.meanwhile = operations, do
}

// pass says whether the next operation happens, and whether its answer arrives.
func (h *handle) pass() (happens, answered bool) {
	h.mu.Lock()
	var meanwhile func()
	if h.meanwhile != nil {
		if h.countdown--; h.countdown <= 0 {
			meanwhile, h.meanwhile = h.meanwhile, nil
		}
	}
	happens, answered = true, true
	switch {
	case h.left > 0:
		h.left--
	case h.left == 0:
		happens, answered, h.loseAnswer = h.loseAnswer, false, false
	}
	h.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	return happens, answered
}

func (h *handle) do(operation func() error) error {
	happens, answered := h.pass()
	if !happens {
		return errDown
	}
	h.disk.mu.Lock()
	defer h.disk.mu.Unlock()
	if err := operation(); err != nil || answered {
		return err
	}
	return errDown
}

func (h *handle) Get(_ context.Context, key string) (value []byte, revision uint64, err error) {
	err = h.do(func() error {
		s, ok := h.disk.values[key]
		if !ok {
			return ErrNotFound
		}
		value, revision = append([]byte(nil), s.value...), s.revision
		return nil
	})
	return value, revision, err
}

func (h *handle) Put(_ context.Context, key string, value []byte) error {
	return h.do(func() error {
		h.disk.revision++
		h.disk.values[key] = stored{value, h.disk.revision}
		return nil
	})
}

func (h *handle) Update(_ context.Context, key string, value []byte, revision uint64) (written uint64, err error) {
	err = h.do(func() error {
		if h.disk.values[key].revision != revision {
			return ErrConflict
		}
		h.disk.revision++
		h.disk.values[key] = stored{value, h.disk.revision}
		written = h.disk.revision
		return nil
	})
	return written, err
}

// open opens an index with small pages and fails the test if it can't.
func open(t testing.TB, store Store, o Options) *Index {
	t.Helper()
	if o.AddTimeout == 0 {
		o.AddTimeout = 20 * time.Millisecond
	}
	x, err := Open(t.Context(), store, shard, o)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
