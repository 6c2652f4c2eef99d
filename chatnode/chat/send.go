package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Sent says what became of a message.
type Sent struct {
	ID string `json:"id"`
	// Offset is the message's place in the channel.
	Offset uint64 `json:"offset"`
	// Time is the event's; see Event.
	Time int64 `json:"time"`
}

// Sending is a message on its way to the log.
type Sending struct {
	s    *Service
	span trace.Span
	sent Sent
	// begun is closed when what follows is there, if that is not so from the start.
	begun   chan struct{}
	feed    backbone.Feed
	data    []byte
	pending *backbone.Pending
	err     error
}

// Wait returns when the message is durable, or can't be sent. If ctx ends before, the error is of kind Unavailable and the message
// may still be stored: a retry with the same id finds out.
func (p *Sending) Wait(ctx context.Context) (Sent, error) {
	sent, err := p.wait(ctx)
	if p.span != nil {
		if err != nil {
			p.span.SetStatus(codes.Error, err.Error())
		}
		p.span.End()
	}
	return sent, err
}

func (p *Sending) wait(ctx context.Context) (Sent, error) {
	if p.begun != nil {
		select {
		case <-p.begun:
		case <-ctx.Done():
			return Sent{}, fromLog(ctx.Err())
		}
	}
	if p.err != nil {
		return Sent{}, p.err
	}
	receipt, err := p.pending.Wait(ctx)
	if err != nil {
		return Sent{}, fromLog(err)
	}
	p.span.SetAttributes(attribute.Int64("offset", int64(receipt.Offset)), attribute.Bool("duplicate", receipt.Duplicate))
	p.sent.Offset = receipt.Offset
	switch stored := p.pending.Data(); {
	case receipt.Duplicate:
		m, err := p.s.log.Read(ctx, p.feed, p.sent.Offset)
		if err != nil {
			return Sent{}, fromLog(err)
		}
		if m != nil { // not erased since
			p.recall(m.Data)
		}
	case !bytes.Equal(stored, p.data):
		p.recall(stored)
	}
	return p.sent, nil
}

// recall gives a retry the time of the first attempt, which is the one that others see.
func (p *Sending) recall(stored []byte) {
	var first Event
	if json.Unmarshal(stored, &first) == nil && first.Time > 0 {
		p.sent.Time = first.Time
	}
}

// Publish sends data to a channel, under an id of the server's own: it can't be retried safely. In rooms, an object with a text is
// a text message and anything else a message's data; open channels carry the data as it is. It does not block.
func (s *Service) Publish(a Actor, channel string, data []byte) *Sending {
	id, err := uuid.NewV7()
	if err != nil {
		return &Sending{err: fromLog(err)}
	}
	if conversational(channel) {
		return s.send(a, channel, id.String(), contentOf(data))
	}
	access, err := s.Access(context.Background(), a, channel, Publish) // of a channel that is no room it needs to ask nobody
	switch {
	case err != nil:
		return &Sending{err: err}
	case len(data) > s.limits.DataBytes:
		return &Sending{err: failf(Invalid, "the data has more than %d bytes", s.limits.DataBytes)}
	}
	p := s.take(a, channel, id.String(), time.Now().UnixMilli())
	if p.err != nil {
		return p
	}
	s.carry(p, a, channel, access.Feed, func() { p.enqueue(a, access.Feed, data, backbone.Note{}) })
	return p
}

// Say sends what a client of another system says to a room, under an id of the server's own: it can't be retried safely. It does not block, and
// sends of one actor start in order.
func (s *Service) Say(a Actor, room string, c Content) *Sending {
	id, err := uuid.NewV7()
	if err != nil {
		return &Sending{err: fromLog(err)}
	}
	return s.send(a, room, id.String(), c)
}

// carry brings what is sent to an open channel on its way: at once if the user's trail is there, else behind the user's others.
func (s *Service) carry(p *Sending, a Actor, channel string, feed backbone.Feed, enqueue func()) {
	in := lineOf(a, channel)
	if a.User == "" || s.trails.has(feed, a.User) && !s.lines.busy(in) {
		enqueue()
		return
	}
	s.standIn(p, in, func(ctx context.Context) {
		if p.err = s.leaveTrail(ctx, feed, a.User); p.err == nil {
			enqueue()
		}
	})
}

// lineOf is where an actor's messages to a channel wait for each other.
func lineOf(a Actor, channel string) lane { return lane{a.App, a.sender(), channel} }

// standIn begins a send behind the sender's others.
func (s *Service) standIn(p *Sending, in lane, begin func(ctx context.Context)) {
	p.begun = make(chan struct{})
	bound, ok := s.lines.stand(in, func(ctx context.Context) {
		defer close(p.begun)
		ctx, cancel := context.WithTimeout(ctx, prepareWait)
		defer cancel()
		begin(ctx)
	})
	if !ok {
		s.metrics.linesRefused.WithLabelValues(bound).Inc()
		p.begun, p.err = nil, failf(TooMany, "too many messages are waiting; slow down")
	}
}

// contentOf reads what was published to a room.
func contentOf(data []byte) Content {
	var c Content
	if json.Unmarshal(data, &c) == nil && c.Text != nil {
		c.Data = nil
		return c
	}
	return Content{Data: data}
}

// send checks a message's content and brings it on its way.
func (s *Service) send(a Actor, channel, id string, c Content) *Sending {
	if err := s.checkContent(&c); err != nil {
		return &Sending{err: err}
	}
	now := s.options.Now().UnixMilli()
	e := &Event{ID: id, Type: eventMessage, Sender: a.User, Time: now, Content: c}
	if conversational(channel) {
		return s.bring(a, channel, toWrite, e)
	}
	access, err := s.Access(context.Background(), a, channel, Publish) // of a channel that is no room it needs to ask nobody
	if err != nil {
		return &Sending{err: err}
	}
	p := s.take(a, channel, id, now)
	if p.err == nil {
		s.carry(p, a, channel, access.Feed, func() { p.begin(&standing{actor: a, feed: access.Feed}, e, nil) })
	}
	return p
}

// bring brings an event on its way to a room: at once if everything is known that has to be, else behind the sender's others.
func (s *Service) bring(a Actor, channel string, r right, e *Event) *Sending {
	p := s.take(a, channel, e.ID, e.Time)
	if p.err != nil {
		return p
	}
	in := lineOf(a, channel)
	st, ok, err := s.known(a, channel)
	if ok && err == nil {
		err = st.may(r, s.options.Now())
	}
	if ok && (err != nil || !s.preparing(&st, e)) && !s.lines.busy(in) {
		p.begin(&st, e, err)
		return p
	}
	s.standIn(p, in, func(ctx context.Context) {
		st, err := s.allow(ctx, a, channel, r)
		if err == nil {
			err = s.prepare(ctx, &st, e)
		}
		p.begin(&st, e, err)
	})
	return p
}

// prepareWait bounds what has to be done before a message can go to the log.
const prepareWait = 10 * time.Second

// preparing says whether something has to be done before the event can go to the log.
func (s *Service) preparing(st *standing, e *Event) bool {
	return st.other != "" && !st.room.exists() || s.gated(st, e) || s.trailing(st)
}

// gated says whether the gate is to be asked about the event.
func (s *Service) gated(st *standing, e *Event) bool {
	return s.options.Gate != nil && !st.actor.Server && (e.Type == eventMessage || e.Type == eventEdit)
}

// prepare makes a direct conversation that is new, and asks the gate.
func (s *Service) prepare(ctx context.Context, st *standing, e *Event) error {
	if st.other != "" && !st.room.exists() {
		if err := s.meet(ctx, st); err != nil {
			return err
		}
	}
	if s.gated(st, e) {
		if err := s.moderate(ctx, st, e); err != nil {
			return err
		}
	}
	if s.trailing(st) {
		return s.leaveTrail(ctx, st.feed, st.actor.User)
	}
	return nil
}

// take counts an event of the actor and opens its trace.
func (s *Service) take(a Actor, channel, id string, now int64) *Sending {
	if !a.Server && !s.rates.allow(a.App+"\x00"+a.sender()) {
		return &Sending{err: failf(TooMany, "more than %s messages a second", strconv.FormatFloat(s.limits.MessagesPerSecond, 'g', 3, 64))}
	}
	if err := s.spend(a.App); err != nil {
		return &Sending{err: err}
	}
	_, span := otel.Tracer("chat").Start(context.Background(), "send", trace.WithAttributes(
		attribute.String("channel", channel), attribute.String("message", id),
	))
	return &Sending{s: s, sent: Sent{ID: id, Time: now}, span: span}
}

// begin hands the event to the log, unless it may not go there.
func (p *Sending) begin(st *standing, e *Event, err error) {
	if err == nil {
		var data []byte
		if data, err = json.Marshal(e); err != nil {
			err = failf(Invalid, "the data is not JSON")
		} else {
			p.enqueue(st.actor, st.feed, data, e.note())
		}
	}
	p.err = err
}

func (p *Sending) enqueue(a Actor, feed backbone.Feed, data []byte, note backbone.Note) {
	p.span.SetAttributes(attribute.Int("bytes", len(data)))
	p.feed, p.data = feed, data
	p.pending = p.s.log.Enqueue(feed, backbone.Draft{ID: p.sent.ID, Sender: a.sender(), Info: a.ClientInfo(), Data: data, Note: note})
}

func checkID(id string) error {
	if id == "" || len(id) > maxID || !utf8.ValidString(id) {
		return failf(Invalid, "a message's id has 1 to %d bytes; a UUIDv7 is best", maxID)
	}
	return nil
}
