package centrifuge

import (
	"context"
	"hash/maphash"
	"slices"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// historyLanes is how many pages of history, and answers of dear methods, a session reads at a time: they can be large.
const historyLanes = 4

// firstPart and mostPart are how many messages of a page are read at once, at first and at most.
const (
	firstPart = 32
	mostPart  = 128
)

var laneSeed = maphash.MakeSeed()

// history reads a page of a channel's log.
func (s *session) history(r request, q *protocol.HistoryRequest) {
	ok := s.begin(lane(maphash.String(laneSeed, q.Channel)), func(ctx context.Context) {
		result, err := s.page(ctx, q)
		if err != nil {
			s.fail(r, err)
			return
		}
		s.reply(r, &protocol.Reply{History: result}, nil)
	})
	if !ok {
		s.fail(r, protocol.ErrorTooManyRequests)
	}
}

func (s *session) page(ctx context.Context, q *protocol.HistoryRequest) (*protocol.HistoryResult, error) {
	access, err := s.gateway.options.Chat.Access(ctx, s.actor, q.Channel, chat.History)
	if err != nil {
		return nil, err
	}
	limit := int(q.Limit)
	if most := s.gateway.limits.HistoryMessages; limit < 0 || limit > most {
		limit = most
	}
	page, err := s.readInParts(ctx, access, q, limit)
	if err != nil {
		return nil, err
	}
	page.Messages = slices.DeleteFunc(page.Messages, func(m *backbone.Message) bool { return m.Offset <= access.Floor })
	if q.Since != nil {
		foreign := q.Since.Epoch != "" && q.Since.Epoch != page.Head.Epoch
		// Forward, what follows the position must be there; backward, the log ends where it ends.
		hole := limit > 0 && !q.Reverse && !page.Complete
		if foreign || hole {
			return nil, protocol.ErrorUnrecoverablePosition
		}
	}
	return &protocol.HistoryResult{
		Publications: publications(s.fitting(page.Messages)), Epoch: page.Head.Epoch, Offset: page.Head.Offset,
	}, nil
}

// readInParts reads a page of at most limit messages, in parts that begin small, until it has more bytes than may go out: a page of
// great messages would take a hundred times the memory of what is answered.
func (s *session) readInParts(ctx context.Context, access chat.Access, q *protocol.HistoryRequest, limit int) (backbone.Page, error) {
	read, feed, offset := s.gateway.options.Log.After, access.Feed, uint64(0)
	if q.Since != nil {
		offset = q.Since.Offset
	}
	switch {
	case access.Floor == chat.NoHistory:
		limit = 0
	case !q.Reverse:
		offset = max(offset, access.Floor) // what is before is not for this user
	}
	if q.Reverse {
		read = s.gateway.options.Log.Before
		if q.Since != nil && offset == 0 {
			limit = 0 // nothing is before the first message; to the log, 0 means the end
		}
	}
	part := min(limit, firstPart)
	page, err := read(ctx, feed, offset, part)
	for left := limit - part; err == nil && page.More && left > 0 && len(s.fitting(page.Messages)) == len(page.Messages); left -= part {
		part = min(left, 2*part, mostPart)
		var next backbone.Page
		if next, err = read(ctx, feed, page.End, part); err != nil {
			break
		}
		if next.Head.Epoch != page.Head.Epoch || !q.Reverse && !next.Complete {
			break // the client sees that when it reads on
		}
		page.Messages = append(page.Messages, next.Messages...)
		page.End, page.More = next.End, next.More
	}
	return page, err
}

// fitting is the part of a page that may go out in one reply. A client sees that there is more by the offset of the last publication.
func (s *session) fitting(messages []*backbone.Message) []*backbone.Message {
	bytes := 0
	for i, m := range messages {
		if bytes += m.Size(); bytes > s.gateway.limits.HistoryBytes && i > 0 {
			return messages[:i]
		}
	}
	return messages
}
