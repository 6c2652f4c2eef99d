package fanout

import (
	"context"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// read is one read of the log, shared by those who need about the same part of a feed. It is guarded by its room until done is closed.
type read struct {
	offset uint64
	first  uint64 // the offset that it was made for
	limit  int
	begun  bool // the log has been asked
	fixed  bool // somebody needs just this offset
	stale  bool // it may bring what is to be forgotten
	done   chan struct{}
	page   backbone.Page
	err    error
}

// part is what a read gave: a page of the messages behind offset from.
type part struct {
	backbone.Page
	from uint64
}

// end is the offset up to which the part has everything.
func (p part) end() uint64 {
	if p.More {
		return p.End
	}
	return max(p.End, p.Head.Offset)
}

// sharing says which reads under way will do.
type sharing uint8

const (
	similarOffset sharing = iota // one that probably reaches far enough
	sameOffset
	notShared // one that begins now
)

// read gives messages behind offset, or behind a smaller one if sharing allows that. The room is not locked.
func (r *room) read(ctx context.Context, offset uint64, limit int, with sharing) (part, error) {
	r.mu.Lock()
	rd := r.underWay(offset, with)
	if rd == nil {
		rd = &read{offset: offset, first: offset, limit: limit, fixed: with != similarOffset, done: make(chan struct{})}
		if !r.hub.start(func() { r.run(rd) }) {
			r.mu.Unlock()
			return part{}, ErrClosed
		}
		r.reads = append(r.reads, rd)
	}
	r.mu.Unlock()
	if err := wait(ctx, rd.done); err != nil {
		return part{}, err
	}
	return part{rd.page, rd.offset}, rd.err
}

// underWay finds a read that the caller can share, and makes one that has not begun reach back a bit further if that helps.
// The room is locked.
func (r *room) underWay(offset uint64, with sharing) *read {
	for _, rd := range r.reads {
		switch {
		case with == notShared:
			return nil
		case rd.offset == offset:
			return rd
		case with == sameOffset:
		case rd.offset < offset && r.similar(rd.offset, offset):
			return rd
		case rd.offset > offset && !rd.begun && !rd.fixed && r.similar(rd.first, offset):
			rd.offset = offset
			return rd
		}
	}
	return nil
}

// similar reports whether a read from one offset to the head is not much longer than from the other. The room is locked.
func (r *room) similar(a, b uint64) bool {
	const slack = 64
	near, far := max(a, b), min(a, b)
	return near <= r.head && r.head-far <= 2*(r.head-near)+slack
}

// run does the read. What it gives lengthens the ring, as far as that has room, for those who ask next.
func (r *room) run(rd *read) {
	rd.page, rd.err = r.ask(rd)
	r.mu.Lock()
	r.reads = slices.DeleteFunc(r.reads, func(other *read) bool { return other == rd })
	if len(r.reads) == 0 {
		r.reads = nil
	}
	if rd.err == nil {
		r.keep(rd)
	}
	r.mu.Unlock()
	close(rd.done)
	r.hub.rings.trim()
}

// ask waits for a free slot and reads.
func (r *room) ask(rd *read) (backbone.Page, error) {
	h := r.hub
	select {
	case h.readSlot <- struct{}{}:
		defer func() { <-h.readSlot }()
	case <-h.ctx.Done():
		return backbone.Page{}, ErrClosed
	}
	r.mu.Lock()
	rd.begun = true
	r.mu.Unlock()
	h.counts.reads.Add(1)
	h.counts.reading.Add(1)
	defer h.counts.reading.Add(-1)
	ctx, cancel := context.WithTimeout(h.ctx, readTimeout)
	defer cancel()
	return h.src.After(ctx, r.feed, rd.offset, rd.limit)
}

// keep learns from a read, and puts into the ring what joins it. The room is locked.
func (r *room) keep(rd *read) {
	if len(rd.page.Messages) > 0 {
		r.learnSize(rd.page.Messages)
	}
	if r.closed || rd.stale || !rd.page.Complete || rd.page.Head.Epoch != r.epoch || (part{rd.page, rd.offset}).end() < r.ring.floor {
		return
	}
	held := r.ring.bytes
	r.ring.extend(rd.offset, rd.page.Messages, r.hub.opts.RingBytes)
	r.hub.rings.changed(r, r.ring.bytes-held)
}
