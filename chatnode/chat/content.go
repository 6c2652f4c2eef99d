package chat

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// said is what requests that say something have in common.
type said interface {
	GetData() *structpb.Value
	GetMentions() []string
	GetAttachments() []*chatv1.Attachment
}

// contentFrom is what a request says. Its text is not part of it.
func contentFrom(q said) (Content, error) {
	c := Content{Mentions: q.GetMentions()}
	if q.GetData() != nil {
		data, err := json.Marshal(q.GetData().AsInterface())
		if err != nil {
			return c, failf(Invalid, "the data is not JSON")
		}
		c.Data = data
	}
	for _, a := range q.GetAttachments() {
		c.Attachments = append(c.Attachments, Attachment{URL: a.GetUrl(), Type: a.GetType(), Name: a.GetName(), Size: a.GetSize()})
	}
	return c, nil
}

// message is the content as the vocabulary has it.
func (c *Content) message() *chatv1.Message {
	m := &chatv1.Message{Text: c.Text, ReplyTo: c.ReplyTo, Mentions: c.Mentions, Thread: c.Thread}
	var data any
	if len(c.Data) > 0 && json.Unmarshal(c.Data, &data) == nil {
		if value, err := structpb.NewValue(data); err == nil { // by way of any, which mends what is no UTF-8 and what is there twice
			m.Data = value
		}
	}
	for _, a := range c.Attachments {
		m.Attachments = append(m.Attachments, &chatv1.Attachment{Url: a.URL, Type: a.Type, Name: a.Name, Size: a.Size})
	}
	return m
}

// messageOf is a message as it is now, from the events that the log has of it.
func messageOf(entry backbone.Entry) *chatv1.Message {
	m := &chatv1.Message{Offset: entry.Offset, Time: entry.Time, Deleted: true}
	var e Event
	switch {
	case entry.Deleted != nil:
		if json.Unmarshal(entry.Deleted.Data, &e) == nil {
			m.Id, m.Sender, m.Time = e.Of, e.Author, e.Sent
		}
		return m
	case entry.Message == nil || json.Unmarshal(entry.Message.Data, &e) != nil:
		return m // erased with everything that was known of it
	}
	m = e.Content.message()
	m.Offset, m.Sender, m.Replies, m.Reactions = entry.Offset, e.Sender, uint32(entry.Replies), reactionsOf(entry.Reactions)
	if m.Id, m.Time = e.ID, e.Time; e.Type == eventEdit {
		m.Id, m.Time, m.Edited = e.Of, e.Sent, e.Time
	}
	return m
}

// requestID checks the id of a request; servers may leave it out.
func requestID(a Actor, id string) (string, error) {
	if id != "" || !a.Server {
		return id, checkID(id)
	}
	made, err := uuid.NewV7()
	return made.String(), fromLog(err)
}

// answer is Sent in the words of the vocabulary.
func answer(sent Sent, err error) (*chatv1.Sent, error) {
	if err != nil {
		return nil, err
	}
	return &chatv1.Sent{Id: sent.ID, Offset: sent.Offset, Time: sent.Time}, nil
}

// Send stores a message in a room. A retry with the same id answers the same and stores nothing. Errors: Invalid, Denied, NotFound,
// TooMany, Unavailable.
func (s *Service) Send(ctx context.Context, a Actor, q *chatv1.SendRequest) (*chatv1.Sent, error) {
	id, err := requestID(a, q.GetId())
	if err != nil {
		return nil, err
	}
	c, err := contentFrom(q)
	if err != nil {
		return nil, err
	}
	c.Text, c.ReplyTo, c.Thread = q.Text, q.GetReplyTo(), q.GetThread()
	return answer(s.send(a, q.GetRoom(), id, c).Wait(ctx))
}
