package backbone

import (
	"container/list"
	"hash/fnv"
	"math/rand/v2"
	"sync"
)

// maxTouched is how many feeds of a shard, those whose counts changed last, its owner remembers: in about 150 bytes each.
const maxTouched = 10_000

// Moment is one in the memory of a shard's owner. The zero Moment is before everything that any owner remembers.
type Moment struct {
	// Memory names the memory, which ends with the owner and when the shard's first messages are discarded.
	Memory uint64 `json:"m,omitempty"`
	// Change is how many changes it had seen.
	Change uint64 `json:"c,omitempty"`
}

// Changes are the feeds of a shard of which Unread may give another answer than before a moment.
type Changes struct {
	// Now is the moment up to which Feeds tells. What Unread answers after that takes in everything that was before it.
	Now Moment `json:"n"`
	// Known is false if that can't be told: then it may be any feeds.
	Known bool `json:"k,omitempty"`
	// Feeds are the FeedHashes of these feeds, in no order.
	Feeds []uint32 `json:"f,omitempty"`
}

// FeedHash is the hash by which Changes names a feed: FNV-1a of its key. Another feed may have the same one.
func FeedHash(feed Feed) uint32 { return keyHash(feed.Key()) }

func keyHash(key string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return h.Sum32()
}

// touched remembers of the feeds whose counts have changed which of them changed last.
type touched struct {
	max int

	mu     sync.Mutex
	now    Moment
	gone   uint64 // the last change that is forgotten
	feeds  map[uint32]*list.Element
	newest *list.List // of touch, the last change first
}

// touch is the last change of a feed's counts.
type touch struct {
	feed   uint32
	change uint64
}

func newTouched() *touched {
	t := &touched{max: maxTouched}
	t.renew()
	return t
}

// renew forgets everything: any counts may have changed.
func (t *touched) renew() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now, t.gone = Moment{Memory: max(rand.Uint64(), 1)}, 0
	t.feeds, t.newest = map[uint32]*list.Element{}, list.New()
}

// add notes that a feed's counts have changed, when whoever settles the ledger and counts takes that in.
func (t *touched) add(feed uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now.Change++
	if known := t.feeds[feed]; known != nil {
		known.Value.(*touch).change = t.now.Change
		t.newest.MoveToFront(known)
		return
	}
	t.feeds[feed] = t.newest.PushFront(&touch{feed, t.now.Change})
	if t.newest.Len() > t.max {
		oldest := t.newest.Remove(t.newest.Back()).(*touch)
		delete(t.feeds, oldest.feed)
		t.gone = oldest.change
	}
}

// since are the changes since a moment, if they are of no more than most feeds.
func (t *touched) since(then Moment, most int) Changes {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := Changes{Now: t.now}
	if then.Memory != t.now.Memory || then.Change < t.gone {
		return c
	}
	for e := t.newest.Front(); e != nil; e = e.Next() {
		last := e.Value.(*touch)
		if last.change <= then.Change {
			break
		}
		if len(c.Feeds) == most {
			return Changes{Now: t.now}
		}
		c.Feeds = append(c.Feeds, last.feed)
	}
	c.Known = true
	return c
}
