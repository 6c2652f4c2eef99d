package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Bounds of a page of messages.
const (
	defaultMessages = 50
	mostMessages    = 200
	// pageBytes is about how much one page has, though at least one message.
	pageBytes = 512 << 10
	// firstPart is how many messages are read at first, and mostPart at a time: a page of great messages would otherwise take many times
	// the memory of what is answered.
	firstPart, mostPart = 50, 100
)

// Messages reads the history of a room as it is now, as far as it is for the actor: edited messages with their newest words, deleted ones
// without. A page has fewer messages than were asked for if they are great; More says so. Errors: Invalid, Denied, NotFound, Unavailable.
func (s *Service) Messages(ctx context.Context, a Actor, q *chatv1.MessagesRequest) (*chatv1.MessagesReply, error) {
	if q.GetBefore() > 0 && q.GetAfter() > 0 {
		return nil, failf(Invalid, "before and after don't go together")
	}
	limit, err := pageLimit(q.GetLimit(), defaultMessages, mostMessages)
	if err != nil {
		return nil, err
	}
	st, err := s.allow(ctx, a, q.GetRoom(), toRead)
	if err != nil {
		return nil, err
	}
	p := page{feed: st.feed, floor: st.floor(), forward: q.GetAfter() > 0, limit: limit}
	p.query = backbone.MessagesQuery{Before: q.GetBefore(), After: q.GetAfter(), Thread: q.GetThread()}
	if p.forward {
		p.query.After = max(p.query.After, p.floor)
	}
	if err := p.read(ctx, s.log); err != nil {
		return nil, fromLog(err)
	}
	if err := p.addFirst(ctx, s.log, q); err != nil {
		return nil, fromLog(err)
	}
	reply := &chatv1.MessagesReply{More: p.more, Epoch: p.head.Epoch, Head: p.head.Offset}
	for _, e := range p.entries {
		reply.Messages = append(reply.Messages, messageOf(e))
	}
	return reply, nil
}

func pageLimit(asked uint32, usual, most int) (int, error) {
	switch {
	case asked == 0:
		return usual, nil
	case int64(asked) > int64(most):
		return 0, failf(Invalid, "the limit is at most %d", most)
	}
	return int(asked), nil
}

// page is a part of a room's history that is being read.
type page struct {
	feed    backbone.Feed
	floor   uint64
	forward bool
	limit   int
	query   backbone.MessagesQuery

	entries []backbone.Entry // oldest first
	bytes   int
	head    backbone.Position
	more    bool
}

// read reads part after part until there is enough.
func (p *page) read(ctx context.Context, log Log) error {
	for part := firstPart; ; part = min(2*part, mostPart) {
		p.query.Limit = min(part, p.limit-len(p.entries))
		view, err := log.Messages(ctx, p.feed, p.query)
		if err != nil {
			return err
		}
		if p.head == (backbone.Position{}) {
			p.head = view.Head // the oldest, or what comes between two parts would be missed
		}
		p.more = view.More
		if full := p.take(view.Entries); full || !p.more || len(p.entries) >= p.limit || len(view.Entries) == 0 {
			return nil
		}
		if p.forward {
			p.query.After = p.entries[len(p.entries)-1].Offset
		} else {
			p.query.Before = p.entries[0].Offset
		}
	}
}

// take adds what was read as far as it fits, and says whether the page is full.
func (p *page) take(entries []backbone.Entry) (full bool) {
	for i := range entries {
		e := entries[i]
		if !p.forward {
			e = entries[len(entries)-1-i]
		}
		if e.Offset <= p.floor {
			p.more = false
			full = true
			break
		}
		size := sizeOf(e)
		if p.bytes+size > pageBytes && p.bytes > 0 {
			p.more, full = true, true
			break
		}
		p.bytes += size
		if p.forward {
			p.entries = append(p.entries, e)
		} else {
			p.entries = append([]backbone.Entry{e}, p.entries...)
		}
	}
	return full
}

// addFirst puts the message that begins a thread in front of the messages of the thread, where it belongs.
func (p *page) addFirst(ctx context.Context, log Log, q *chatv1.MessagesRequest) error {
	first := q.GetThread()
	if first == 0 || first <= p.floor || q.GetAfter() >= first || !p.forward && (p.more || q.GetBefore() > 0 && q.GetBefore() <= first) {
		return nil
	}
	if len(p.entries) == p.limit && !p.forward {
		p.more = true
		return nil
	}
	e, ok, err := log.Entry(ctx, p.feed, first)
	if err != nil || !ok {
		return err
	}
	if len(p.entries) == p.limit {
		p.entries, p.more = p.entries[:p.limit-1], true
	}
	p.entries = append([]backbone.Entry{e}, p.entries...)
	return nil
}

// sizeOf is about how much an entry takes in a reply, in bytes.
func sizeOf(e backbone.Entry) int {
	size := 256
	if e.Message != nil {
		size += len(e.Message.Data)
	}
	return size + 32*len(e.Reactions)
}
