package pull

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// mostPart is how many messages are read from the log at a time: a page of great messages would otherwise take many times its size.
const mostPart = 100

// collector puts a page together from messages that come in the order of its span.
type collector struct {
	span
	// floor is the offset up to which messages don't belong to the chat any more.
	floor uint64
	page
	bytes int
	begun bool
	first uint64 // the rank with which the span begins
}

// take adds the next message, and says whether the page is complete.
func (c *collector) take(m *message) (done bool) {
	switch {
	case m.offset <= c.floor:
		return c.back
	case c.by == backbone.SeekTime && !c.back && m.micros < c.from,
		c.by == backbone.SeekTime && c.back && c.from > 0 && m.micros > c.from:
		return false // in the same millisecond, but not in the span
	}
	if !c.begun {
		c.begun, c.first = true, m.rank
	}
	if m.gone {
		return false
	}
	if size := m.size(); len(c.messages) == c.limit || c.bytes+size > pageBytes && c.bytes > 0 {
		next := *m
		c.next, c.nextRank = &next, int64(m.rank)
		if c.back {
			c.nextRank = c.from + int64(c.first-m.rank)
		}
		return true
	}
	c.bytes += m.size()
	c.messages = append(c.messages, *m)
	return false
}

// read fills the page from the log.
func (c *collector) read(ctx context.Context, log Log, feed backbone.Feed) error {
	seek := c.seek()
	// Deleted messages, of which there may be many, are passed over in parts that become larger.
	for part := min(c.limit+1, mostPart); ; part = min(2*part, mostPart) {
		v, err := log.Messages(ctx, feed, backbone.MessagesQuery{Seek: &seek, Limit: part})
		if err != nil {
			return err
		}
		if c.takeAll(v.Entries) || len(v.Entries) == 0 || !v.More && !c.back {
			return nil
		}
		if c.back {
			return c.readBack(ctx, log, feed, v.Entries[0].Rank)
		}
		seek = backbone.Seek{By: backbone.SeekRank, To: int64(v.Entries[len(v.Entries)-1].Rank + 1)}
	}
}

// seek is where the log is entered.
func (c *collector) seek() backbone.Seek {
	switch {
	case c.by == backbone.SeekRank:
		return backbone.Seek{By: c.by, To: c.from, Back: c.back}
	case c.back && c.from == 0:
		return backbone.Seek{By: backbone.SeekRank, Back: true}
	}
	return backbone.Seek{By: c.by, To: c.from / 1000, Back: c.back}
}

// readBack goes on with what lies before a rank. It is named by ranks from the beginning, which stay as they are while messages come.
func (c *collector) readBack(ctx context.Context, log Log, feed backbone.Feed, before uint64) error {
	for part := uint64(mostPart); before > 0; {
		part = min(part, before)
		v, err := log.Messages(ctx, feed, backbone.MessagesQuery{
			Seek: &backbone.Seek{By: backbone.SeekRank, To: int64(before - part)}, Limit: int(part),
		})
		if err != nil {
			return err
		}
		entries := v.Entries
		for len(entries) > 0 && entries[len(entries)-1].Rank >= before { // what was to be before them is discarded
			entries = entries[:len(entries)-1]
		}
		switch {
		case len(entries) == 0:
			return nil
		case entries[len(entries)-1].Rank+1 < before: // the answer ended early
			part = max(part/2, 1)
			continue
		}
		if c.takeAll(entries) {
			return nil
		}
		before = entries[0].Rank
	}
	return nil
}

// takeAll adds a part of the log, which is given with the oldest first.
func (c *collector) takeAll(entries []backbone.Entry) (done bool) {
	for i := range entries {
		e := &entries[i]
		if c.back {
			e = &entries[len(entries)-1-i]
		}
		m := fromEntry(e)
		if c.take(&m) {
			return true
		}
	}
	return false
}
