package backbone

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

// Bounds of what an owner erases.
const (
	// maxErasing is how many messages of one shard may wait to be erased. Beyond it the owner waits, and if nothing goes forward for
	// erasePatience, it puts further ones off until it begins anew.
	maxErasing    = 16384
	erasePatience = 10 * time.Second
	// erasersAtOnce is how many of one shard are erased at a time, by goroutines that are there while something is pending.
	erasersAtOnce = 4
	// maxHidden is how many of the newest erased messages are kept from readers whom a replica that is behind could still give them.
	maxHidden = 8192
	// maxErasedNoted is how many erasures of one event are noted.
	maxErasedNoted = 1000
)

// errPutOff ends an owner that has put erasures off and could do them by now: the next one reads their events again.
var errPutOff = errors.New("erasures were put off, and are taken up again")

// erasure is one message that is to be erased because of an event.
type erasure struct {
	by, seq uint64
	key     string
	// stray says that the index doesn't know the message.
	stray bool
	done  bool
}

// erasing is the part of a ledger that makes sure of erasures: each is done before a checkpoint passes its event, so that whoever owns
// the shard then does it again after a crash.
type erasing struct {
	max      int
	patience time.Duration

	lock    sync.Mutex
	pending []*erasure // in the order of their events
	open    int        // those of them that aren't done
	next    int        // the first of them that nobody has in hand
	putOff  uint64     // the first event whose erasures were put off, 0 if there is none
	erasers int
	wanted  chan struct{} // something was queued
	moved   chan struct{} // something was done
	ended   bool

	hidden    map[uint64]struct{}
	hiddenAll []uint64 // in the order in which they are forgotten
}

func (e *erasing) init() {
	e.max, e.patience = maxErasing, erasePatience
	e.wanted, e.moved = make(chan struct{}, 1), make(chan struct{}, 1)
	e.hidden = map[uint64]struct{}{}
}

// erase hides messages that an event has made void, notes that they are gone, and has them erased.
func (l *ledger) erase(ctx context.Context, by *stored, void ...uint64) error {
	if err := l.noteErased(by.body, void[:min(len(void), maxErasedNoted)]); err != nil {
		return err
	}
	l.erasing.hide(void)
	for _, seq := range void {
		if !l.erasing.add(ctx, &erasure{by: by.body.Offset, seq: seq, key: by.key}) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			l.b.metrics.erasures.WithLabelValues("put off").Inc()
			continue
		}
		l.b.metrics.erasing.Inc()
	}
	return nil
}

// eraseUnknown has the target of an edit or a deletion erased though the index doesn't know it, which happens if the store has lost a
// page: only if the log says that it is a message of the feed.
func (l *ledger) eraseUnknown(ctx context.Context, by *stored) error {
	n := by.body.Note
	if n.Kind != NoteEdit && n.Kind != NoteDelete || n.Target == 0 || n.Target >= by.body.Offset {
		return nil
	}
	if l.erasing.add(ctx, &erasure{by: by.body.Offset, seq: n.Target, key: by.key, stray: true}) {
		l.b.metrics.erasing.Inc()
	}
	return ctx.Err()
}

// noteErased writes erased sequences down.
func (l *ledger) noteErased(by *Message, void []uint64) error {
	void = slices.Sorted(slices.Values(void))
	for len(void) > 0 {
		n := 1
		for n < len(void) && void[n]/erasedSpan == void[0]/erasedSpan {
			n++
		}
		e := index.Entry{Seq: by.Offset, Time: by.Time, Note: index.Note{Kind: uint8(NoteDelete), Mentions: void[:n]}}
		if err := l.index.Extend(erasedKey(void[0]), e); err != nil {
			return err
		}
		void = void[n:]
	}
	return nil
}

// add queues an erasure; false if it was put off, as all are after the end, or ctx has ended.
func (e *erasing) add(ctx context.Context, one *erasure) bool {
	stalled := time.NewTimer(e.patience)
	defer stalled.Stop()
	for {
		e.lock.Lock()
		if e.ended && e.putOff == 0 {
			e.putOff = one.by // what is added now is counted by nobody
		}
		if e.putOff == 0 && e.open < e.max {
			e.pending = append(e.pending, one)
			e.open++
			e.lock.Unlock()
			signal(e.wanted)
			return true
		}
		off := e.putOff > 0
		e.lock.Unlock()
		if off {
			return false
		}
		select {
		case <-e.moved:
			stalled.Reset(e.patience)
		case <-ctx.Done():
			return false
		case <-stalled.C:
			e.lock.Lock()
			e.putOff = one.by
			e.lock.Unlock()
		}
	}
}

// engage says whether one more eraser has something to do, and counts it.
func (e *erasing) engage() bool {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.ended || e.erasers == erasersAtOnce || e.next >= len(e.pending) {
		return false
	}
	e.erasers++
	return true
}

// take gives an eraser the next erasure that nobody has in hand; nil lets it go.
func (e *erasing) take() *erasure {
	e.lock.Lock()
	defer e.lock.Unlock()
	if e.ended || e.next >= len(e.pending) {
		e.erasers--
		return nil
	}
	e.next++
	return e.pending[e.next-1]
}

// finish notes that one is done. It reports whether all are, though some were put off.
func (e *erasing) finish(one *erasure) (begin bool) {
	e.lock.Lock()
	defer e.lock.Unlock()
	one.done = true
	e.open--
	for len(e.pending) > 0 && e.pending[0].done {
		e.pending = e.pending[1:]
		e.next--
	}
	signal(e.moved)
	return e.open == 0 && e.putOff > 0
}

// end lets nobody begin with an erasure any more.
func (e *erasing) end() {
	e.lock.Lock()
	defer e.lock.Unlock()
	e.ended = true
}

// left is how many are not done.
func (e *erasing) left() int {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.open
}

// settled is the sequence, at most read, up to which all erasures are done.
func (e *erasing) settled(read uint64) uint64 {
	e.lock.Lock()
	defer e.lock.Unlock()
	if len(e.pending) > 0 {
		read = min(read, e.pending[0].by-1)
	}
	if e.putOff > 0 {
		read = min(read, e.putOff-1)
	}
	return read
}

// hide keeps messages from readers from now on.
func (e *erasing) hide(seqs []uint64) {
	e.lock.Lock()
	defer e.lock.Unlock()
	for _, seq := range seqs {
		if _, is := e.hidden[seq]; is {
			continue
		}
		if len(e.hiddenAll) == maxHidden {
			delete(e.hidden, e.hiddenAll[0])
			e.hiddenAll = e.hiddenAll[1:]
		}
		e.hidden[seq] = struct{}{}
		e.hiddenAll = append(e.hiddenAll, seq)
	}
}

// hiddenOf are those among the sequences that readers must not get.
func (e *erasing) hiddenOf(seqs []uint64) (hidden []uint64) {
	e.lock.Lock()
	defer e.lock.Unlock()
	for _, seq := range seqs {
		if _, is := e.hidden[seq]; is {
			hidden = append(hidden, seq)
		}
	}
	return hidden
}

// eraseAll erases what is pending until ctx ends. again is called when all is done that can be without beginning anew.
func (l *ledger) eraseAll(ctx context.Context, again func()) {
	var erasers sync.WaitGroup
	defer func() {
		l.erasing.end()
		erasers.Wait()
		l.b.metrics.erasing.Sub(float64(l.erasing.left()))
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.erasing.wanted:
		}
		for l.erasing.engage() {
			erasers.Go(func() { l.eraseSome(ctx, again) })
		}
	}
}

// eraseSome erases until nothing is pending that nobody has in hand.
func (l *ledger) eraseSome(ctx context.Context, again func()) {
	for one := l.erasing.take(); one != nil; one = l.erasing.take() {
		l.b.saw(l.shard, one.by)
		known := func(m *stored) bool { return m.key == one.key && (!one.stray || m.body.Note.Kind == NoteMessage) }
		for l.b.erase(ctx, l.b.live, l.shard, one.seq, known) != nil && ctx.Err() == nil {
			l.b.metrics.erasures.WithLabelValues("failed").Inc()
		}
		if ctx.Err() != nil {
			return
		}
		l.b.metrics.erasing.Dec()
		l.b.metrics.erasures.WithLabelValues("done").Inc()
		if l.erasing.finish(one) {
			again()
		}
	}
}
