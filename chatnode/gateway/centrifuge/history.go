package centrifuge

import (
	"context"
	"hash/maphash"
	"strconv"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// historyLanes is how many pages of history a session reads at a time: they can be large.
const historyLanes = 4

var laneSeed = maphash.MakeSeed()

// history reads a page of a channel's log.
func (s *session) history(r request, q *protocol.HistoryRequest) {
	// No channel that anybody may have begins with a zero byte.
	lane := "\x00" + strconv.FormatUint(maphash.String(laneSeed, q.Channel)%historyLanes, 10)
	ok := s.begin(lane, func(ctx context.Context) {
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
	feed, err := s.gateway.options.Chat.Feed(s.actor, q.Channel, chat.History)
	if err != nil {
		return nil, err
	}
	limit := int(q.Limit)
	if most := s.gateway.limits.HistoryMessages; limit < 0 || limit > most {
		limit = most
	}
	page, err := s.read(ctx, feed, q, limit)
	if err != nil {
		return nil, err
	}
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

func (s *session) read(ctx context.Context, feed backbone.Feed, q *protocol.HistoryRequest, limit int) (backbone.Page, error) {
	log, offset := s.gateway.options.Log, uint64(0)
	if q.Since != nil {
		offset = q.Since.Offset
	}
	if !q.Reverse {
		return log.After(ctx, feed, offset, limit)
	}
	if q.Since != nil && offset == 0 {
		limit = 0 // nothing is before the first message; to the log, 0 means the end
	}
	return log.Before(ctx, feed, offset, limit)
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
