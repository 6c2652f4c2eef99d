package index

import (
	"errors"
	"reflect"

	"pgregory.net/rapid"
)

// derive adds a message to the feed that the model derives from its feed: it has every other message, with a note.
func (w *world) derive(m message) {
	if !m.derived() {
		return
	}
	err := w.owner.Extend(m.feed+".d", m.noted())
	for n := 0; errors.Is(err, ErrFull) && n < 1000; n++ {
		if w.broken {
			w.healStore(w.t)
		}
		err = w.owner.Extend(m.feed+".d", m.noted())
	}
	if err != nil {
		w.t.Fatalf("extend by %d: %v", m.Seq, err)
	}
}

func (m message) derived() bool { return m.Seq%2 == 0 }

// noted is the message's entry in the derived feed.
func (m message) noted() Entry {
	e := Entry{Seq: m.Seq, Time: m.Time, Note: Note{Kind: uint8(1 + m.Seq%MaxKind), Target: m.Seq % 5 * 100, Sender: m.ID << 40}}
	if m.Seq%3 == 0 {
		e.Note.Mentions = []uint64{m.Seq, m.ID}
	}
	return e
}

// readDerived compares a derived feed, read in one of three ways, with what it should have.
func (w *world) readDerived(t *rapid.T) {
	feed := rapid.SampledFrom(feedNames).Draw(t, "feed")
	seq := rapid.Uint64Range(0, w.last+1).Draw(t, "sequence")
	want := map[uint64]message{}
	for _, m := range w.stream {
		if m.feed == feed && m.derived() && m.Seq >= w.first {
			want[m.Seq] = m
		}
	}
	if m, ok := want[seq]; ok && !m.erased {
		e, _, ok, err := w.owner.Place(w.patience(), feed+".d", seq)
		if err == nil && (!ok || !reflect.DeepEqual(e, m.noted())) {
			t.Fatalf("place of %d in %s: %+v %v", seq, feed, e, ok)
		}
	}
	leaves := map[uint64]int{}
	check := func(leaf Leaf) bool {
		leaves[leaf.Number] += len(leaf.Entries)
		for _, e := range leaf.Entries {
			m, ok := want[e.Seq]
			if !ok || !reflect.DeepEqual(e, m.noted()) {
				t.Fatalf("%s has %+v, want %+v", feed, e, m.noted())
			}
			delete(want, e.Seq)
		}
		return true
	}
	up := rapid.Bool().Draw(t, "ascend")
	var err error
	if up {
		err = w.owner.Ascend(w.patience(), feed+".d", seq, check)
	} else {
		err = w.owner.Descend(w.patience(), feed+".d", seq, check)
	}
	if err != nil {
		w.tolerate(t, err)
		return
	}
	for _, m := range want {
		if !m.erased && (up && m.Seq > seq || !up && (seq == 0 || m.Seq < seq)) {
			t.Fatalf("%s lacks %d", feed, m.Seq)
		}
	}
	for number, n := range leaves {
		if n > 4 {
			t.Fatalf("leaf %d has %d entries", number, n)
		}
	}
}
