package comet

import (
	"context"
	"slices"
	"strings"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

const (
	// maxLength is how many messages of a pipe's past are kept to be shown.
	maxLength = 1000
	// trustFor is how long the messages of pipes that keep all of them are shown.
	trustFor = 120 * time.Second
	// historyPage is how many messages are read at a time.
	historyPage = 200
)

// past is a message of a pipe's past.
type past struct {
	id, pipe       string
	offset         uint64
	time           int64 // in milliseconds since 1970
	payload, event string
	user           int64
}

// history gives the past of a pipe as it is now, oldest first: as much of it as the pipe's setting says, and the actor may read.
func (g *Gateway) history(ctx context.Context, a chat.Actor, pipe string) ([]past, error) {
	setting, _, err := load[pipeRow](ctx, g.rows, a.App, aboutPipe, pipe)
	if err != nil {
		return nil, err
	}
	oldest := int64(0)
	if strings.HasPrefix(pipe, "trust_") {
		setting.Length, oldest = maxLength, g.now().Add(-trustFor).UnixMilli()
	}
	var all []past // newest first
	before := uint64(0)
	for more := setting.Length > 0; more && len(all) < setting.Length; {
		page, err := g.options.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: roomPrefix + pipe, Before: before, Limit: historyPage})
		if err != nil {
			return nil, err
		}
		more = page.GetMore()
		for _, m := range slices.Backward(page.GetMessages()) {
			before = m.GetOffset()
			if m.GetTime() < oldest || setting.hides(m) {
				more = false
				continue
			}
			if !m.GetDeleted() {
				all = append(all, pastOf(pipe, m))
			}
		}
		more = more && len(page.GetMessages()) > 0
	}
	all = all[:min(len(all), setting.Length)]
	slices.Reverse(all)
	return all, nil
}

// hides says whether the message is of a past that was taken away.
func (r pipeRow) hides(m *chatv1.Message) bool {
	return m.GetOffset() <= r.Cleared && m.GetTime() <= r.ClearedAt
}

func pastOf(pipe string, m *chatv1.Message) past {
	p := past{id: m.GetId(), pipe: pipe, offset: m.GetOffset(), time: m.GetTime()}
	var data []byte
	if m.GetData() != nil {
		data, _ = m.GetData().MarshalJSON() // it was JSON
	}
	var more extra
	p.payload, more = contentOf(m.Text, data)
	p.event = more.Event
	p.user, _ = numberOf(m.GetSender())
	return p
}

// clear takes a pipe's past away: what would be shown is erased, and what is older is not shown any more.
func (g *Gateway) clear(ctx context.Context, app, pipe string) error {
	server := chat.Actor{App: app, Server: true}
	shown, err := g.history(ctx, server, pipe)
	if err != nil {
		return err
	}
	newest, err := g.options.Chat.Messages(ctx, server, &chatv1.MessagesRequest{Room: roomPrefix + pipe, Limit: 1})
	if err != nil {
		return err
	}
	_, err = change(ctx, g.rows, app, aboutPipe, pipe, func(row *pipeRow) bool {
		row.Cleared, row.ClearedAt = max(row.Cleared, newest.GetHead()), g.now().UnixMilli()
		return true
	})
	for _, m := range shown {
		if err == nil {
			err = g.erase(ctx, app, m)
		}
	}
	return err
}

// erase deletes a message for everybody.
func (g *Gateway) erase(ctx context.Context, app string, m past) error {
	_, err := g.options.Chat.Delete(ctx, chat.Actor{App: app, Server: true},
		&chatv1.DeleteRequest{Id: newID(), Room: roomPrefix + m.pipe, Offset: m.offset})
	return err
}
