// Package index is the memory of a shard's owner: for every feed of the shard, which sequences of the stream are its messages.
//
// In go all messages of the stream, in order (Add); out come a feed's previous sequence, pages in both directions, and candidates
// for a retry. Memory is bounded: what was not used for the longest time is spilled into a Store, from where it comes back when
// it is asked for. A checkpoint in the same store says how far the stored part is complete, so that the next owner (Open) reads
// the stream from there and not from its start.
//
// The package knows no messages and no subjects, and does not read the stream itself.
package index

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

var (
	// ErrDeposed says that another owner with a newer term, or for another incarnation of the stream, has opened the index.
	// It is final: the index changes nothing in the store any more.
	ErrDeposed = errors.New("another owner has opened the index")
	// ErrFull says that the index's memory is full of entries that the store does not take.
	ErrFull = errors.New("the index's memory is full")
	// ErrIncomplete says that a question can't be answered since the store lost a page.
	ErrIncomplete = errors.New("a page of the index is lost")
	// ErrClosed says that the index has been closed.
	ErrClosed = errors.New("the index is closed")
)

// Options of an index. Term and the three facts about the stream must be given; everything else has a default.
type Options struct {
	// Term is the owner's: greater than that of all earlier owners of the shard during this incarnation.
	Term uint64
	// Incarnation names the stream's: numbers of one say nothing about another's.
	Incarnation string
	// First and Last are the stream's first and last sequence.
	First, Last uint64
	// MaxBytes is about how much memory the index takes at most: 64 MiB.
	MaxBytes int
	// AddTimeout is how long Add waits at most, for the store or for memory: 1 s.
	AddTimeout time.Duration
	// StoreTimeout is the deadline of a single store operation: 5 s.
	StoreTimeout time.Duration
	// Parallel is how many store operations run at a time in Checkpoint and Prefetch: 32.
	Parallel int
	// Now is the clock, time.Now.
	Now func() time.Time

	// pageEntries is how many entries make a full page: 256. More would make fewer keys, but every checkpoint writes whole heads.
	pageEntries int
}

func (o Options) withDefaults() Options {
	or := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	or(&o.AddTimeout, time.Second)
	or(&o.StoreTimeout, 5*time.Second)
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if o.Parallel == 0 {
		o.Parallel = 32
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.pageEntries == 0 {
		o.pageEntries = 256
	}
	o.First = max(o.First, 1)
	return o
}

// Index is the index of one shard. One goroutine may call Add, any number everything else.
type Index struct {
	store   Store
	shard   string
	options Options
	tag     uint64
	count   counters

	mu       sync.Mutex
	feeds    map[string]*feed
	pages    map[pageID]*cachedPage
	used     int
	recent   *list[evictable] // everything in memory, the newest use first
	unsaved  *list[*feed]     // feeds with entries that the store doesn't have
	position uint64           // the last sequence added
	from     uint64           // messages before it may be unknown
	floor    uint64           // the stream's first sequence
	spilled  bool             // the store may have feeds that memory doesn't
	retryAt  time.Time        // until then Add doesn't ask a store that didn't answer
	room     chan struct{}    // closed when memory was freed
	ended    error            // ErrDeposed or ErrClosed

	saving     sync.Mutex // held by Checkpoint
	saved      checkpoint
	savedAt    time.Time
	savedAs    uint64 // the revision of the record
	checkpoint *list[*feed]

	wake  chan struct{} // memory is getting short
	life  context.Context
	close context.CancelFunc
	swept chan struct{} // closed when the sweeper has ended
}

// Open takes the shard's index over from its former owner, who can't change it from then on, and says by Covered up to where it is
// complete. If there is none for this incarnation of the stream, or it knows more than the stream has, the index starts from
// nothing. The caller must then Add the stream's messages from Covered()+1 on, and Close the index in the end. Errors: ErrDeposed
// if an owner with a newer term is there already, and those of the store.
func Open(ctx context.Context, store Store, shard layout.Shard, o Options) (*Index, error) {
	x := &Index{
		store: store, shard: shard.String(), options: o.withDefaults(),
		feeds: map[string]*feed{}, pages: map[pageID]*cachedPage{},
		recent: newList[evictable](), unsaved: newList[*feed](), checkpoint: newList[*feed](),
		room: make(chan struct{}), wake: make(chan struct{}, 1), swept: make(chan struct{}),
	}
	if err := x.takeOver(ctx); err != nil {
		return nil, fmt.Errorf("take over the index of %s: %w", shard, err)
	}
	x.life, x.close = context.WithCancel(context.Background())
	go x.sweep()
	return x, nil
}

// Close ends the index. What Checkpoint has not saved must be added again by the next owner.
func (x *Index) Close() {
	x.mu.Lock()
	if x.ended == nil {
		x.ended = ErrClosed
	}
	x.mu.Unlock()
	x.close()
	<-x.swept
}

// Covered is the sequence of the stream up to which the index knows all messages. Answers given after a call of Covered know at
// least as much.
func (x *Index) Covered() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.position
}

// Trim tells the index that the stream has discarded everything before the sequence.
func (x *Index) Trim(first uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.floor = max(x.floor, first)
}

// end makes ErrDeposed or ErrClosed the answer to everything that follows; x.mu is held.
func (x *Index) end(err error) error {
	if x.ended == nil {
		x.ended = err
	}
	return x.ended
}
