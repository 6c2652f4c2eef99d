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

// maxID is the greatest length of a message's id, in bytes, and maxMentions the greatest number of mentions.
const (
	maxID       = 64
	maxMentions = 64
)

// Event is what the log stores of a message in a room, and what subscribers receive as a publication's data.
type Event struct {
	ID     string `json:"id"`
	Type   string `json:"type"` // "message"
	Sender string `json:"sender"`
	// Time is when the sender's node took the message, in milliseconds since 1970.
	Time int64 `json:"time"`
	Content
}

// Content is what a sender says: Text or Data.
type Content struct {
	Text     *string         `json:"text,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
	ReplyTo  string          `json:"reply_to,omitempty"`
	Mentions []string        `json:"mentions,omitempty"`
}

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
	s       *Service
	feed    backbone.Feed
	sent    Sent
	data    []byte
	pending *backbone.Pending
	span    trace.Span
	err     error
}

// Wait returns when the message is durable, or can't be sent. If ctx ends before, the error is of kind Unavailable and the message
// may still be stored: a retry with the same id finds out.
func (p *Sending) Wait(ctx context.Context) (Sent, error) {
	if p.err != nil {
		return Sent{}, p.err
	}
	receipt, err := p.pending.Wait(ctx)
	defer p.span.End()
	if err != nil {
		p.span.SetStatus(codes.Error, err.Error())
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
	feed, err := s.Feed(a, channel, Publish)
	if err != nil {
		return &Sending{err: err}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return &Sending{err: fromLog(err)}
	}
	if !conversational(feed) {
		if len(data) > s.limits.DataBytes {
			return &Sending{err: failf(Invalid, "the data has more than %d bytes", s.limits.DataBytes)}
		}
		return s.append(a, feed, id.String(), data, time.Now().UnixMilli())
	}
	return s.send(a, feed, id.String(), contentOf(data))
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
func (s *Service) send(a Actor, feed backbone.Feed, id string, c Content) *Sending {
	if err := s.checkContent(c); err != nil {
		return &Sending{err: err}
	}
	now := time.Now().UnixMilli()
	data, err := json.Marshal(Event{ID: id, Type: "message", Sender: a.User, Time: now, Content: c})
	if err != nil {
		return &Sending{err: failf(Invalid, "the data is not JSON")}
	}
	return s.append(a, feed, id, data, now)
}

func (s *Service) append(a Actor, feed backbone.Feed, id string, data []byte, now int64) *Sending {
	if !s.rates.allow(a.App + "\x00" + a.sender()) {
		return &Sending{err: failf(TooMany, "more than %s messages a second", strconv.FormatFloat(s.limits.MessagesPerSecond, 'g', 3, 64))}
	}
	_, span := otel.Tracer("chat").Start(context.Background(), "send", trace.WithAttributes(
		attribute.String("channel", Channel(feed)), attribute.String("message", id), attribute.Int("bytes", len(data)),
	))
	draft := backbone.Draft{ID: id, Sender: a.sender(), Info: a.ClientInfo(), Data: data}
	return &Sending{s: s, feed: feed, sent: Sent{ID: id, Time: now}, data: data, pending: s.log.Enqueue(feed, draft), span: span}
}

func (s *Service) checkContent(c Content) error {
	switch {
	case c.Text == nil && len(c.Data) == 0:
		return failf(Invalid, "a message needs text or data")
	case c.Text != nil && *c.Text == "":
		return failf(Invalid, "the text is empty")
	case c.Text != nil && len(*c.Text) > s.limits.TextBytes:
		return failf(Invalid, "the text has more than %d bytes", s.limits.TextBytes)
	case len(c.Data) > s.limits.DataBytes:
		return failf(Invalid, "the data has more than %d bytes", s.limits.DataBytes)
	case len(c.ReplyTo) > maxID:
		return failf(Invalid, "reply_to has more than %d bytes", maxID)
	case len(c.Mentions) > maxMentions:
		return failf(Invalid, "more than %d mentions", maxMentions)
	}
	for _, user := range c.Mentions {
		if err := CheckUser(user); err != nil {
			return err
		}
	}
	return nil
}

func checkID(id string) error {
	if id == "" || len(id) > maxID || !utf8.ValidString(id) {
		return failf(Invalid, "a message's id has 1 to %d bytes; a UUIDv7 is best", maxID)
	}
	return nil
}
