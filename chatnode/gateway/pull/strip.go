package pull

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// Bounds of a strip.
const (
	stripMessages = 256
	stripPages    = 64
	// stripBytes bounds the messages of the chat's end, and the pages from further back as well.
	stripBytes = 256 << 10
	// stripLife is how long it is believed: by then what the log has discarded because of its age is forgotten here as well.
	stripLife = time.Minute
	// firstFill is how many messages a strip begins with.
	firstFill = 128
)

// strip is the end of one chat in memory, and pages from further back that were asked for. It is filled from the log when the chat is pulled
// for the second time, and from then on hears of every event of the chat, as live clients do. A new message is added to it; an edit or a
// deletion empties it.
type strip struct {
	all     *strips
	channel string
	access  chat.Access

	// filling is held by who fills the strip.
	filling sync.Mutex

	mu    sync.Mutex
	asked int // in vain, since it was emptied
	sub   *fanout.Subscription
	gone  bool // dropped by strips
	// head is the newest event that was heard of, stored the newest that clients of this node were told to be durable.
	head, stored uint64
	// version counts how often the strip was emptied; ends is when it will be. Both say nothing while messages is empty.
	version  int
	ends     time.Time
	messages []message // oldest first, without a hole, up to head
	whole    bool      // they begin with the chat's first
	waiting  []heard   // while it is being filled
	reading  bool      // it is being filled
	filled   bool
	pages    map[span]*page
	// bytes is what is in memory, held that of pages.
	bytes, held int
}

// Encoder implements fanout.Member.
func (st *strip) Encoder() fanout.Encoder { return hearing{} }

// Write implements fanout.Member: the next events of the chat.
func (st *strip) Write(wire []byte) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for len(wire) > 0 {
		var h heard
		h, wire = nextHeard(wire)
		st.head = max(st.head, h.offset)
		switch {
		case h.kind == heardChange:
			st.empty()
		case h.kind != heardMessage:
		case st.filled:
			st.add(h)
		case !st.reading:
		case len(st.waiting) < stripMessages:
			h.event = slices.Clone(h.event)
			st.waiting = append(st.waiting, h)
		default:
			st.empty()
		}
	}
	return true
}

// Reset implements fanout.Member: positions are void.
func (st *strip) Reset() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.empty()
	st.sub, st.head, st.stored = nil, 0, 0
}

// empty forgets everything that was read. mu is held.
func (st *strip) empty() {
	st.version++
	st.messages, st.waiting, st.pages, st.filled, st.whole, st.asked = nil, nil, nil, false, false, 0
	st.resize(-st.bytes)
	st.held = 0
}

func (st *strip) resize(by int) {
	st.bytes += by
	st.all.bytes.Add(int64(by))
}

// add puts a new message at the end. mu is held.
func (st *strip) add(h heard) {
	last := &st.messages[len(st.messages)-1]
	if h.offset <= last.offset {
		return // was read already
	}
	m := message{offset: h.offset, rank: last.rank + 1, micros: max(int64(h.time)*1000, last.micros+1)}
	m.read(h.event)
	st.messages = append(st.messages, m)
	st.resize(m.size())
	for len(st.messages) > stripMessages || st.bytes-st.held > stripBytes && len(st.messages) > 1 {
		st.resize(-st.messages[0].size())
		st.messages, st.whole = st.messages[1:], false
	}
}

// wanted says that the strip should be filled now.
func (st *strip) wanted() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.asked++
	return !st.filled && !st.gone && st.asked > 1
}

// fill reads the end of the chat, unless somebody else does so. What comes meanwhile waits; if something changes meanwhile, it stays empty.
func (st *strip) fill(ctx context.Context) {
	if !st.filling.TryLock() {
		return
	}
	defer st.filling.Unlock()
	if !st.listen(ctx) {
		return
	}
	st.mu.Lock()
	version := st.version
	st.reading = true // what was heard of before is in what is read
	st.mu.Unlock()
	v, err := st.all.log.Messages(ctx, st.access.Feed, backbone.MessagesQuery{
		Seek: &backbone.Seek{By: backbone.SeekRank, Back: true}, Limit: firstFill,
	})
	st.mu.Lock()
	defer st.mu.Unlock()
	waiting := st.waiting
	st.reading, st.waiting = false, nil
	if err != nil || len(v.Entries) == 0 || st.version != version || st.gone || st.sub == nil {
		return
	}
	st.take(&v, waiting)
}

// take fills the strip with the end of the chat and with what came after that was asked for. mu is held.
func (st *strip) take(v *backbone.View, waiting []heard) {
	st.whole = !v.More
	for i := range v.Entries {
		if v.Entries[i].Offset <= st.access.Floor {
			st.whole = true
			continue
		}
		m := fromEntry(&v.Entries[i])
		st.messages = append(st.messages, m)
		st.resize(m.size())
	}
	if len(st.messages) == 0 {
		return
	}
	st.filled, st.ends = true, time.Now().Add(stripLife)
	for _, h := range waiting {
		st.add(h)
	}
}

// listen makes sure that the strip hears of the chat's events.
func (st *strip) listen(ctx context.Context) bool {
	st.mu.Lock()
	listening, gone := st.sub != nil, st.gone
	st.mu.Unlock()
	if listening || gone {
		return listening
	}
	sub, result, err := st.all.hub.Subscribe(ctx, st.access.Feed, fanout.Request{}, st)
	if err != nil {
		return false // and so the log is read each time
	}
	st.mu.Lock()
	gone = st.gone
	if !gone {
		st.sub, st.head = sub, result.Head.Offset
	}
	st.mu.Unlock()
	if gone {
		sub.Close()
		return false
	}
	sub.Start()
	return true
}

// look gives a page if it is in memory, and the version of the strip that didn't have it.
func (st *strip) look(s span) (*page, int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.filled && time.Now().After(st.ends) {
		st.empty()
		st.asked = 1
	}
	if !st.filled || st.head < st.stored {
		return nil, st.version
	}
	c := &collector{span: s, floor: st.access.Floor}
	c.messages = make([]message, 0, min(s.limit, len(st.messages)))
	if at, ok := st.find(s); ok {
		if s.back && (st.collectBack(c, at) || st.whole) || !s.back && st.collect(c, at) {
			return &c.page, st.version
		}
	}
	return st.pages[s], st.version
}

// find gives the place of the message with which a span begins; ok is false if it may lie further back. mu is held.
func (st *strip) find(s span) (at int, ok bool) {
	first, n := &st.messages[0], len(st.messages)
	switch {
	case s.back && s.by == backbone.SeekRank:
		at = n - 1 - int(min(s.from, int64(n)))
	case s.back && s.from == 0:
		at = n - 1
	case s.back:
		at = sort.Search(n, func(i int) bool { return st.messages[i].micros > s.from }) - 1
	case s.by == backbone.SeekRank:
		at = sort.Search(n, func(i int) bool { return int64(st.messages[i].rank) >= s.from })
		return at, st.whole || int64(first.rank) <= s.from
	default:
		at = sort.Search(n, func(i int) bool { return st.messages[i].micros >= s.from })
		return at, st.whole || first.micros <= s.from
	}
	return at, st.whole || at >= 0
}

// collect takes messages from a place on; the strip has all there are.
func (st *strip) collect(c *collector, at int) bool {
	for ; at < len(st.messages); at++ {
		if c.take(&st.messages[at]) {
			break
		}
	}
	return true
}

// collectBack takes messages from a place back, and says whether the page is complete.
func (st *strip) collectBack(c *collector, at int) bool {
	for ; at >= 0; at-- {
		if c.take(&st.messages[at]) {
			return true
		}
	}
	return false
}

// keep remembers a page that was read from the log while the strip had that version, if nothing but a change can make it wrong: it ends before
// the chat's end, and doesn't count from there.
func (st *strip) keep(s span, p *page, version int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.filled || st.version != version || p.next == nil || s.back && (s.by == backbone.SeekRank || s.from == 0) {
		return
	}
	if newest := st.messages[len(st.messages)-1].micros; s.back && s.from >= newest {
		return
	}
	size := messageBytes
	for i := range p.messages {
		size += p.messages[i].size()
	}
	if st.pages[s] != nil || len(st.pages) >= stripPages || st.held+size > stripBytes {
		return
	}
	if st.pages == nil {
		st.pages = map[span]*page{}
	}
	st.pages[s] = p
	st.held += size
	st.resize(size)
}

// drop ends the strip.
func (st *strip) drop() {
	st.mu.Lock()
	st.empty()
	sub := st.sub
	st.gone, st.sub = true, nil
	st.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}
