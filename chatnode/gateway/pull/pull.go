package pull

import (
	"context"
	"errors"
	"net/http"

	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// pull answers with a page of a chat. One that nobody has written in is empty.
func (g *Gateway) pull(ctx context.Context, r *request) (reply, error) {
	at, err := g.manner.placeOf(r.Chat)
	if err != nil {
		return reply{}, err
	}
	s, p := g.manner.span(r), &page{}
	access, err := g.options.Chat.Access(ctx, chat.Actor{App: g.options.App, Server: true}, at.channel, chat.History)
	var failed *chat.Error
	switch {
	case errors.As(err, &failed) && failed.Kind == chat.NotFound:
	case err != nil:
		return reply{}, err
	default:
		if p, err = g.read(ctx, at.channel, access, s); err != nil {
			return reply{}, err
		}
	}
	return reply{http.StatusOK, isJSON, g.manner.body(r, s, p)}, nil
}

// body is the answer to a request.
func (m *manner) body(r *request, s span, p *page) []byte {
	more, next := p.next != nil, int64(0)
	messages := p.messages
	switch {
	case m.by == "rank" && r.Limit < 0 && len(messages) > 0:
		messages, more, next = nil, true, r.Cursor+int64(r.Limit)
	case m.by == "rank" && more:
		next = p.nextRank
	case m.seconds && r.everything():
		more = len(messages) > 0
	case m.seconds && r.Limit == 0:
		more, messages = len(messages) > 0, nil
	}
	if m.by == "time" && p.next != nil && len(messages) > 0 {
		next = m.cursorOf(p)
	}
	size := 64
	for i := range messages {
		size += messages[i].size() + len(r.Chat)
	}
	dst := m.appendPage(make([]byte, 0, size), quoted(r.Chat), messages, m.seconds && r.Reverse)
	return endPage(dst, more, next)
}

// cursorOf is the time of the message behind the page. Where times are in seconds it is one, unless the page's last message has the same: that
// one would be given again, and so it is one in microseconds, which is understood as well.
func (m *manner) cursorOf(p *page) int64 {
	const second = 1_000_000
	next := p.next.micros
	if last := p.messages[len(p.messages)-1].micros; m.seconds && last/second < next/second {
		return next / second
	}
	return next
}

// read gives a page of a channel, from memory if it is there.
func (g *Gateway) read(ctx context.Context, channel string, access chat.Access, s span) (*page, error) {
	st := g.strips.of(channel, access)
	p, version := st.look(s)
	if p == nil && st.wanted() {
		st.fill(ctx)
		p, version = st.look(s)
	}
	if p != nil {
		g.metrics.reads.WithLabelValues(fromMemory).Inc()
		return p, nil
	}
	g.metrics.reads.WithLabelValues(fromLog).Inc()
	c := &collector{span: s, floor: access.Floor}
	if err := c.read(ctx, g.options.Log, access.Feed); err != nil {
		return nil, err
	}
	st.keep(s, &c.page, version)
	return &c.page, nil
}
