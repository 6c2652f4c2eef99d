package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// message is one message of the modelled stream.
type message struct {
	Entry
	feed   string
	erased bool
}

// world is a stream, its owner, former owners that don't know that they are former, and what the index should know.
type world struct {
	t           *rapid.T
	disk        *disk
	stream      []message
	last, first uint64 // sequences of the stream
	incarnation int
	term        uint64
	clock       atomic.Int64

	owner   *Index
	store   *handle
	broken  bool
	zombies []*zombie
	maxSize int
}

type zombie struct {
	mu     sync.Mutex
	index  *Index
	stream []message // what it will still hear
}

var feedNames = []string{"a.1", "a.2", "a.3", "a.4", "b.1", "b.2"}

const startMillis = 1_700_000_000_000

func (w *world) options() Options {
	return Options{
		Term: w.term, Incarnation: fmt.Sprint("stream-", w.incarnation), First: w.first, Last: w.last, MaxBytes: w.maxSize,
		AddTimeout: 5 * time.Millisecond, Parallel: 3, pageEntries: 4,
		Now: func() time.Time { return time.UnixMilli(startMillis + 2000*w.clock.Add(1)) },
	}
}

// takeOver opens the index with a new term and lets it hear what it doesn't cover.
func (w *world) takeOver() {
	w.term++
	w.store, w.broken = w.disk.open(), false
	owner, err := Open(context.Background(), w.store, shard, w.options())
	if err != nil {
		w.t.Fatalf("open: %v", err)
	}
	w.owner = owner
	covered := owner.Covered()
	for i, m := range w.stream {
		if m.Seq > covered && !m.erased && m.Seq >= w.first {
			w.hear(i)
		}
	}
}

// hear adds the stream's message to the owner's index and checks the answer.
func (w *world) hear(i int) {
	m := w.stream[i]
	prev, known, err := w.owner.Add(m.feed, m.Entry)
	if errors.Is(err, ErrFull) && w.broken {
		w.store.heal()
		w.broken = false
	}
	// The sweeper may need longer than Add is ready to wait.
	for n := 0; errors.Is(err, ErrFull) && n < 1000; n++ {
		prev, known, err = w.owner.Add(m.feed, m.Entry)
	}
	if err != nil {
		w.t.Fatalf("add %d to %s: %v", m.Seq, m.feed, err)
	}
	if !known && !w.broken {
		w.t.Fatalf("add %d to %s: the previous sequence is unknown, though the store works", m.Seq, m.feed)
	}
	if known && !w.mayPrecede(prev, i) {
		w.t.Fatalf("add %d to %s: previous sequence %d", m.Seq, m.feed, prev)
	}
	w.derive(m)
}

// mayPrecede says whether prev is right for the message: an erased or discarded one may be known or not.
func (w *world) mayPrecede(prev uint64, i int) bool {
	for j := i - 1; j >= 0; j-- {
		m := w.stream[j]
		if m.feed != w.stream[i].feed {
			continue
		}
		if m.Seq == prev {
			return true
		}
		if !m.erased && m.Seq >= w.first {
			return false
		}
	}
	return prev == 0
}

func (w *world) add(t *rapid.T) {
	for range rapid.IntRange(1, 12).Draw(t, "messages") {
		w.last += uint64(rapid.SampledFrom([]int{1, 1, 1, 2, 300}).Draw(t, "step"))
		m := message{feed: rapid.SampledFrom(feedNames).Draw(t, "feed")}
		m.Entry = Entry{Seq: w.last, Time: startMillis + int64(w.last)*500, ID: uint64(rapid.IntRange(0, 5).Draw(t, "id"))}
		w.stream = append(w.stream, m)
		for _, z := range w.zombies {
			z.mu.Lock()
			z.stream = append(z.stream, m)
			z.mu.Unlock()
		}
		w.hear(len(w.stream) - 1)
	}
}

func (w *world) save(t *rapid.T) {
	if err := w.owner.Checkpoint(context.Background(), MaxSeq); err != nil && !w.broken {
		t.Fatalf("checkpoint: %v", err)
	}
}

func (w *world) breakStore(t *rapid.T) {
	w.broken = true
	w.store.breakAfter(rapid.IntRange(0, 6).Draw(t, "operations"), rapid.Bool().Draw(t, "lose the answer"))
}

func (w *world) healStore(*rapid.T) {
	w.store.heal()
	w.broken = false
}

// crash ends the owner in the middle of whatever it does.
func (w *world) crash(*rapid.T) {
	w.store.breakAfter(0, false)
	w.owner.Close()
	w.takeOver()
}

// freeze makes the owner a former one that doesn't know it.
func (w *world) freeze(t *rapid.T) {
	w.store.heal()
	if len(w.zombies) < 3 {
		w.zombies = append(w.zombies, &zombie{index: w.owner})
	} else {
		w.owner.Close()
	}
	w.takeOver()
}

// haunt lets a former owner act, perhaps in the middle of one of the owner's own actions.
func (w *world) haunt(t *rapid.T) {
	if len(w.zombies) == 0 {
		t.Skip("no former owner")
	}
	z := rapid.SampledFrom(w.zombies).Draw(t, "former owner")
	act := rapid.SampledFrom([]func(){z.hear, z.hear, z.save, z.read}).Draw(t, "action")
	if after := rapid.IntRange(0, 10).Draw(t, "operations before"); after > 0 {
		w.store.whenReached(after, act)
		return
	}
	act()
}

func (z *zombie) hear() {
	z.mu.Lock()
	defer z.mu.Unlock()
	n := min(len(z.stream), 5)
	for _, m := range z.stream[:n] {
		_, _, _ = z.index.Add(m.feed, m.Entry)
		if m.derived() {
			_ = z.index.Extend(m.feed+".d", m.noted())
		}
	}
	z.stream = z.stream[n:]
}

func (z *zombie) save() { _ = z.index.Checkpoint(context.Background(), MaxSeq) }

func (z *zombie) read() {
	for _, feed := range feedNames {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		_, _, _, _ = z.index.Before(ctx, feed, 0, 10)
		cancel()
	}
}

// erase removes a message from the stream: nobody will hear it again, but an index may know it.
func (w *world) erase(t *rapid.T) {
	if len(w.stream) > 0 {
		w.stream[rapid.IntRange(0, len(w.stream)-1).Draw(t, "erased")].erased = true
	}
}

func (w *world) trim(t *rapid.T) {
	if len(w.stream) == 0 {
		t.Skip("nothing to discard")
	}
	w.first = max(w.first, w.stream[rapid.IntRange(0, len(w.stream)-1).Draw(t, "first")].Seq)
	w.owner.Trim(w.first)
}

// powerCut begins a new incarnation of the stream, with its numbers used again and perhaps a smaller term.
func (w *world) powerCut(t *rapid.T) {
	w.stream, w.last, w.first = nil, 0, 0
	w.incarnation++
	w.term = uint64(rapid.IntRange(0, 20).Draw(t, "term"))
	for _, z := range w.zombies {
		z.mu.Lock()
		z.stream = nil
		z.mu.Unlock()
	}
	w.freeze(t)
}

// visible are the feed's messages that readers must get.
func (w *world) visible(feed string) (seqs []uint64) {
	for _, m := range w.stream {
		if m.feed == feed && !m.erased && m.Seq >= w.first {
			seqs = append(seqs, m.Seq)
		}
	}
	return seqs
}

// discarded says whether a message of the feed after seq was discarded.
func (w *world) discarded(feed string, seq uint64) bool {
	return slices.ContainsFunc(w.stream, func(m message) bool { return m.feed == feed && m.Seq > seq && m.Seq < w.first && !m.erased })
}

func (w *world) withoutErased(seqs []uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(seqs), func(seq uint64) bool {
		i, ok := slices.BinarySearchFunc(w.stream, seq, func(m message, seq uint64) int { return int(int64(m.Seq) - int64(seq)) })
		return ok && w.stream[i].erased
	})
}

func (w *world) readAfter(t *rapid.T) {
	feed, limit := rapid.SampledFrom(feedNames).Draw(t, "feed"), rapid.IntRange(1, 15).Draw(t, "limit")
	seq := rapid.Uint64Range(0, w.last+1).Draw(t, "after")
	got, more, complete, err := w.owner.After(w.patience(), feed, seq, limit)
	if err != nil {
		w.tolerate(t, err)
		return
	}
	want := slices.DeleteFunc(w.visible(feed), func(s uint64) bool { return s <= seq })
	w.compare(t, got, want, more, limit)
	if discarded := w.discarded(feed, seq); complete && discarded {
		t.Fatalf("after %d of %s: complete, though something was discarded", seq, feed)
	} else if !complete && !discarded && seq+1 >= w.first {
		t.Fatalf("after %d of %s: not complete, though nothing was discarded", seq, feed)
	}
}

func (w *world) readBefore(t *rapid.T) {
	feed, limit := rapid.SampledFrom(feedNames).Draw(t, "feed"), rapid.IntRange(1, 15).Draw(t, "limit")
	seq := rapid.Uint64Range(0, w.last+1).Draw(t, "before")
	got, more, complete, err := w.owner.Before(w.patience(), feed, seq, limit)
	if err != nil {
		w.tolerate(t, err)
		return
	}
	want := slices.DeleteFunc(w.visible(feed), func(s uint64) bool { return seq > 0 && s >= seq })
	slices.Reverse(want)
	w.compare(t, got, want, more, limit)
	if complete != (len(got) == limit || w.first <= 1) {
		t.Fatalf("before %d of %s: complete %v with %d of %d", seq, feed, complete, len(got), limit)
	}
}

// compare checks a page of sequences against all that it could hold.
func (w *world) compare(t *rapid.T, got, want []uint64, more bool, limit int) {
	seen := w.withoutErased(got)
	switch {
	case len(got) > limit || more && len(got) < limit:
		t.Fatalf("%d sequences of %d, more %v", len(got), limit, more)
	case len(seen) > len(want) || !slices.Equal(seen, want[:len(seen)]):
		t.Fatalf("got %v, want %v", seen, want)
	case !more && len(seen) < len(want):
		t.Fatalf("got %v and no more, want %v", seen, want)
	}
}

func (w *world) readHead(t *rapid.T) {
	feed := rapid.SampledFrom(feedNames).Draw(t, "feed")
	e, ok, err := w.owner.Head(w.patience(), feed)
	if err != nil {
		w.tolerate(t, err)
		return
	}
	if want := w.visible(feed); len(want) > 0 && (!ok || e.Seq < want[len(want)-1]) {
		t.Fatalf("head of %s is %d, want %d", feed, e.Seq, want[len(want)-1])
	}
}

func (w *world) find(t *rapid.T) {
	feed, id := rapid.SampledFrom(feedNames).Draw(t, "feed"), uint64(rapid.IntRange(1, 5).Draw(t, "id"))
	since := startMillis + int64(rapid.Uint64Range(0, w.last+1).Draw(t, "since"))*500
	got, err := w.owner.Find(w.patience(), feed, id, time.UnixMilli(since))
	if err != nil {
		w.tolerate(t, err)
		return
	}
	var want []uint64
	for _, m := range slices.Backward(w.stream) {
		if m.feed == feed && m.ID == id && m.Time >= since && m.Seq >= w.first && !m.erased {
			want = append(want, m.Seq)
		}
	}
	if got = w.withoutErased(got); !slices.Equal(got, want) {
		t.Fatalf("found %v, want %v", got, want)
	}
}

// patience is a short one for questions to a store that doesn't work.
func (w *world) patience() context.Context {
	if !w.broken {
		return w.t.Context()
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Millisecond)
	w.t.Cleanup(cancel)
	return ctx
}

func (w *world) tolerate(t *rapid.T, err error) {
	if !w.broken {
		t.Fatalf("error though the store works: %v", err)
	}
}

func (w *world) close() {
	w.owner.Close()
	for _, z := range w.zombies {
		z.index.Close()
	}
}

// TestAnswersAreThoseOfAPlainListWhateverHappens lets owners crash, freeze and come back, the store fail, memory be short, and
// compares every answer with a list of the messages.
func TestAnswersAreThoseOfAPlainListWhateverHappens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, disk: newDisk(), maxSize: rapid.SampledFrom([]int{2 << 10, 5 << 10, 1 << 20}).Draw(t, "memory")}
		w.takeOver()
		defer w.close()
		actions := map[string]func(*rapid.T){
			"add": w.add, "add more": w.add, "save": w.save, "break": w.breakStore, "heal": w.healStore, "crash": w.crash,
			"freeze": w.freeze, "haunt": w.haunt, "haunt more": w.haunt, "erase": w.erase, "trim": w.trim, "power cut": w.powerCut,
			"after": w.readAfter, "before": w.readBefore, "head": w.readHead, "find": w.find,
			"derived": w.readDerived, "derived more": w.readDerived,
		}
		for name, action := range actions {
			actions[name] = func(t *rapid.T) { w.t = t; action(t) }
		}
		t.Repeat(actions)
	})
}
