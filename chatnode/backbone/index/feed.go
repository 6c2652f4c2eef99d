package index

import "unsafe"

// feed is what memory holds of one feed: its newest page, and older ones as long as they are not stored. All of it is guarded by
// the index's mutex.
type feed struct {
	key string
	// based says that the entries continue what the store has. Without it they begin somewhere: the store could not be asked.
	based bool
	// full are pages that are not in the store yet, oldest first.
	full []*page
	head page
	// revision is that of the stored head; saved is the last sequence in it.
	revision, saved uint64
	// busy is closed when the store operation that somebody is doing for this feed has ended; nil if there is none. Only who
	// set it may change based, revision, saved and the stored pages; entries may be added meanwhile.
	busy chan struct{}
	// size is what the index has counted for this feed, in bytes.
	size    int
	recent  node[evictable]
	unsaved node[*feed]
}

const (
	// mapBytes is about what one entry of a map with string keys takes.
	mapBytes  = 48
	feedBytes = int(unsafe.Sizeof(feed{})) + mapBytes
	pageBytes = int(unsafe.Sizeof(page{}))
)

func newFeed(key string) *feed {
	f := &feed{key: key}
	f.recent.of, f.unsaved.of = f, f
	return f
}

func (f *feed) empty() bool { return f.head.count == 0 }
func (f *feed) dirty() bool { return f.head.last.Seq > f.saved }

// previous is the sequence that the next entry follows, 0 if it is the feed's first; known is false if that can't be said.
func (f *feed) previous() (seq uint64, known bool) {
	if !f.empty() {
		return f.head.last.Seq, true
	}
	return 0, f.based && f.head.number == 0
}

// add appends an entry; a head that has its number of entries becomes a full page first.
func (f *feed) add(e Entry, pageEntries int, term uint64) {
	if f.head.count >= pageEntries {
		full := f.head
		full.fit()
		f.full = append(f.full, &full)
		f.head = full.next(term)
	}
	f.head.append(e)
}

// oldest is the first sequence that memory holds.
func (f *feed) oldest() uint64 {
	if len(f.full) > 0 {
		return f.full[0].first.Seq
	}
	return f.head.first.Seq
}

// base puts the stored head, which ends before the feed's oldest entry, under the entries.
func (f *feed) base(head page, revision uint64, pageEntries int, term uint64) {
	began := append(f.full, &page{})
	*began[len(began)-1] = f.head
	f.full, f.head = nil, head
	f.based, f.revision, f.saved = true, revision, head.last.Seq
	for _, p := range began {
		for e := range p.all() {
			f.add(e, pageEntries, term)
		}
	}
}

// bytes is about what the feed takes in memory.
func (f *feed) bytes() int {
	n := feedBytes + len(f.key) + cap(f.head.buf) + 16*cap(f.head.links)
	for _, p := range f.full {
		n += p.bytes() + 8
	}
	return n
}

func (p *page) bytes() int { return pageBytes + cap(p.buf) + 16*cap(p.links) }
