package comet

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// Private messages are notices in the user's personal feed. Up to where a user has them is a row of its own, which follows
// what connections have really taken: who connects, to any node, gets everything behind it, and may get the last ones twice, under the same
// id.

const (
	// noteAfter is how long after a private message it is looked at, again and again, whether the client's side has it, to note that then.
	noteAfter = 300 * time.Millisecond
	// queuePage is how many events of a personal feed are read at a time.
	queuePage = 200
)

// private is a session's place in the personal feed of its user: fanout.Member and, since it has to know what it is given, fanout.Encoder.
type private struct {
	session *session
	feed    backbone.Feed
	place   *fanout.Subscription
	refused atomic.Bool

	mu sync.Mutex // guards what follows
	// epoch is that of the feed. It is not known to pages that come before the member is let in; they are not written.
	epoch string
	// encoded are the last pages, to know by the address of a frame up to where it goes.
	encoded []encodedPage
	// taken is up to where the connection has taken them, and awaited what the client's side must have until more is noted; armed says that
	// this will be looked at.
	taken, awaited handed
	armed          bool
}

// handed is up to where messages have been handed to the connection, and how many bytes it had taken by then.
type handed struct {
	end   queueRow
	bytes uint64
}

type encodedPage struct {
	first *byte
	end   queueRow
}

// maxEncoded is how many pages may wait to be written: more than fanout ever makes ahead.
const maxEncoded = 8

// notice is a private message in a personal feed.
type notice struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Time int64           `json:"time"`
	Text string          `json:"text"`
	Data json.RawMessage `json:"data"`
}

// noticeOf reads an event of a personal feed; false if it is no private message.
func noticeOf(m *backbone.Message) (n notice, event string, ok bool) {
	if json.Unmarshal(m.Data, &n) != nil || n.Type != "notice" {
		return n, "", false
	}
	_, more := contentOf(&n.Text, n.Data)
	return n, more.Event, true
}

// openPrivate brings the user everything that waits, and then what comes.
func (s *session) openPrivate() error {
	g := s.gateway
	ctx, cancel := context.WithTimeout(g.ctx, g.options.RequestTimeout)
	defer cancel()
	access, err := g.options.Chat.Access(ctx, s.actor, chat.PersonalChannel(s.actor.User), chat.Subscribe)
	if err != nil {
		return err
	}
	p := &private{session: s, feed: access.Feed}
	place, got, err := g.options.Hub.Subscribe(ctx, p.feed, fanout.Request{}, p)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.epoch = got.Head.Epoch
	p.mu.Unlock()
	p.place = place
	s.mu.Lock()
	over := s.closed
	if !over {
		s.private = p
	}
	s.mu.Unlock()
	if over {
		place.Close()
		return nil
	}
	if err := p.catchUp(ctx, got.Head); err != nil {
		return err
	}
	place.Start()
	return nil
}

// catchUp writes what waits, up to the head from which on it flows. It may take longer than ctx lasts.
func (p *private) catchUp(ctx context.Context, head backbone.Position) error {
	s := p.session
	seen, _, err := load[queueRow](ctx, s.gateway.rows, p.feed.App, aboutQueue, p.feed.Name)
	if err != nil {
		return err
	}
	passed, err := s.gateway.queued(s.gateway.ctx, p.feed, seen, func(m *backbone.Message, n notice, event string) bool {
		if m.Offset > head.Offset || s.over() {
			return false
		}
		s.send(s.encoder.frame(message{
			Data: n.Text, Event: event, FromQueue: true, Time: n.Time / 1000, Pipe: pipePrivate, UUID: n.ID,
		}))
		p.took(queueRow{head.Epoch, m.Offset, m.Time})
		return true
	})
	if passed != nil && passed.Offset >= seen.Offset+queuePage { // nobody has to read all that again
		p.took(queueRow{head.Epoch, passed.Offset, passed.Time})
	}
	return err
}

// queued gives the private messages that are not delivered yet, oldest first, until each says no, and the last event that it passed: much
// else may be in a personal feed.
func (g *Gateway) queued(
	ctx context.Context, feed backbone.Feed, seen queueRow, each func(m *backbone.Message, n notice, event string) bool,
) (passed *backbone.Message, err error) {
	offset, err := g.behind(ctx, feed, seen)
	if err != nil {
		return nil, err
	}
	for {
		within, cancel := context.WithTimeout(ctx, g.options.RequestTimeout)
		page, err := g.options.Log.After(within, feed, offset, queuePage)
		cancel()
		if err != nil {
			return passed, err
		}
		for _, m := range page.Messages {
			n, event, ok := noticeOf(m)
			if ok && !each(m, n, event) {
				return passed, nil
			}
			passed = m
		}
		if offset = page.End; !page.More {
			return passed, nil
		}
	}
}

// behind is the offset behind which everything is undelivered. If the log has forgotten its end since, and gives offsets anew, times tell.
func (g *Gateway) behind(ctx context.Context, feed backbone.Feed, seen queueRow) (uint64, error) {
	within, cancel := context.WithTimeout(ctx, g.options.RequestTimeout)
	defer cancel()
	page, err := g.options.Log.Before(within, feed, 0, 1)
	if err != nil || page.Head.Epoch == seen.Epoch || seen.Epoch == "" {
		return seen.Offset, err
	}
	for before := uint64(0); ; {
		if page, err = g.options.Log.Before(within, feed, before, queuePage); err != nil {
			return 0, err
		}
		for _, m := range page.Messages {
			if m.Time < seen.Time {
				return m.Offset, nil
			}
		}
		if before = page.End; !page.More {
			return 0, nil
		}
	}
}

// Encoder implements fanout.Member.
func (p *private) Encoder() fanout.Encoder { return p }

// Write implements fanout.Member.
func (p *private) Write(wire []byte) bool {
	if p.session.conn.Write(wire) {
		p.wrote(wire)
		return true
	}
	p.refused.Store(true)
	p.session.refused.Store(true)
	// The queue may have emptied just now, and Drained may have passed by before it could see the marks.
	if p.session.conn.Write(wire) {
		p.wrote(wire)
		return true
	}
	return false
}

// Reset implements fanout.Member. A new connection begins at what is noted.
func (p *private) Reset() { p.session.drop("reset") }

// Messages implements fanout.Encoder.
func (p *private) Messages(_ backbone.Feed, batch []*backbone.Message) (wire []byte) {
	e := p.session.encoder
	for _, m := range batch {
		if n, event, ok := noticeOf(m); ok {
			wire = append(wire, e.frame(message{Data: n.Text, Event: event, Pipe: pipePrivate, UUID: n.ID})...)
			e.metrics.pushes.WithLabelValues("private").Inc()
		}
	}
	if len(wire) > 0 {
		last := batch[len(batch)-1]
		p.mu.Lock()
		p.encoded = append(p.encoded[max(0, len(p.encoded)-maxEncoded+1):], encodedPage{&wire[0], queueRow{p.epoch, last.Offset, last.Time}})
		p.mu.Unlock()
	}
	return wire
}

// Signal implements fanout.Encoder.
func (p *private) Signal(backbone.Feed, []byte) []byte { return nil }

// Join implements fanout.Encoder.
func (p *private) Join(backbone.Feed, []byte) []byte { return nil }

// Leave implements fanout.Encoder.
func (p *private) Leave(backbone.Feed, []byte) []byte { return nil }

// wrote notes that the connection has taken a page.
func (p *private) wrote(wire []byte) {
	p.mu.Lock()
	var end *queueRow
	for i, page := range p.encoded {
		if page.first == &wire[0] {
			end = &page.end
			p.encoded = append(p.encoded[:i], p.encoded[i+1:]...)
			break
		}
	}
	p.mu.Unlock()
	if end != nil {
		p.took(*end)
	}
}

// took has it noted, soon, up to where the connection has taken messages.
func (p *private) took(end queueRow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = handed{end, p.session.conn.Written()}
	if !p.armed {
		p.await(p.taken)
	}
}

// await needs mu.
func (p *private) await(next handed) {
	p.awaited, p.armed = next, true
	p.session.conn.After(noteAfter, deadlineQueue)
}

// note writes down what has been delivered, once the client's side has it.
func (p *private) note() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session.conn.Arrived() < p.awaited.bytes {
		p.await(p.awaited)
		return
	}
	delivered := p.awaited.end
	if p.armed = false; p.taken != p.awaited {
		p.await(p.taken)
	}
	p.session.gateway.start(func() { p.session.gateway.noteDelivered(p, delivered) })
}

// noteDelivered moves the row of the queue forward. If that is not possible it is tried again, or when more is delivered.
func (g *Gateway) noteDelivered(p *private, delivered queueRow) {
	ctx, cancel := context.WithTimeout(g.ctx, g.options.RequestTimeout)
	defer cancel()
	if g.moveQueue(ctx, p.feed.App, p.feed.Name, delivered) == nil {
		return
	}
	g.metrics.undone.Inc()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.armed {
		p.await(handed{end: delivered})
	}
}

// moveQueue moves the row of a user's queue forward.
func (g *Gateway) moveQueue(ctx context.Context, app, user string, delivered queueRow) error {
	_, err := change(ctx, g.rows, app, aboutQueue, user, func(row *queueRow) bool {
		if row.Epoch == delivered.Epoch && row.Offset >= delivered.Offset {
			return false
		}
		*row = delivered
		return true
	})
	return err
}
