package fanout

import (
	"sort"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// ring holds a feed's recent messages, bounded in bytes. It is guarded by its room.
type ring struct {
	messages []*backbone.Message // oldest first
	floor    uint64              // all messages behind it are in the ring
	bytes    int
}

// covers reports whether everything behind offset is in the ring.
func (g *ring) covers(offset uint64) bool { return offset >= g.floor }

// after are the messages behind offset. The slice is valid as long as the room is locked.
func (g *ring) after(offset uint64) []*backbone.Message { return after(g.messages, offset) }

// append adds the feed's next messages, and lets go of the oldest beyond limit bytes.
func (g *ring) append(batch []*backbone.Message, limit int) {
	for _, m := range batch {
		g.bytes += m.Size()
	}
	g.messages = append(g.messages, batch...)
	g.dropVoid(batch)
	old := 0
	for g.bytes > limit {
		g.bytes -= g.messages[old].Size()
		g.floor = g.messages[old].Offset
		g.messages[old] = nil
		old++
	}
	g.messages = g.messages[old:]
	if len(g.messages) == 0 {
		g.messages = nil
	}
}

// extend adds older messages, as far as they fit into limit bytes. The messages are all that lie between from and at least the floor.
func (g *ring) extend(from uint64, messages []*backbone.Message, limit int) {
	older := upTo(messages, g.floor)
	floor, fit := from, len(older)
	for ; fit > 0; fit-- {
		size := older[fit-1].Size()
		if g.bytes+size > limit {
			floor = older[fit-1].Offset
			break
		}
		g.bytes += size
	}
	if fit < len(older) {
		joined := make([]*backbone.Message, 0, len(older)-fit+len(g.messages))
		g.messages = append(append(joined, older[fit:]...), g.messages...)
		g.dropVoid(g.messages) // the read may have begun before an edit or a deletion that the ring has heard of since
	}
	g.floor = min(g.floor, floor)
}

// clear forgets all messages up to head, the feed's newest offset.
func (g *ring) clear(head uint64) { *g = ring{floor: head} }

// after is the part of messages, oldest first, behind offset.
func after(messages []*backbone.Message, offset uint64) []*backbone.Message {
	return messages[sort.Search(len(messages), func(i int) bool { return messages[i].Offset > offset }):]
}

// upTo is the part of messages, oldest first, up to and including offset.
func upTo(messages []*backbone.Message, offset uint64) []*backbone.Message {
	return messages[:len(messages)-len(after(messages, offset))]
}

// cut parts messages into what is written at once, at most pageBytes but at least one message, and the rest.
func cut(messages []*backbone.Message) (page, rest []*backbone.Message) {
	bytes := 0
	for i, m := range messages {
		if bytes += m.Size(); bytes > pageBytes && i > 0 {
			return messages[:i], messages[i:]
		}
	}
	return messages, nil
}
