package chat

import (
	"encoding/json"
	"net/url"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Types of events in a room's log.
const (
	eventMessage  = "message"
	eventEdit     = "edit"
	eventDelete   = "delete"
	eventReaction = "reaction"
	eventMember   = "member"
	eventRoom     = "room"
)

// Event is what the log stores, and what subscribers receive as a publication's data. Which fields are there depends on the type.
type Event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	// Sender is who did it; of an edit, who sent the message. Empty for an application's server.
	Sender string `json:"sender"`
	// Time is when the sender's node took it, in milliseconds since 1970.
	Time int64 `json:"time"`
	Content

	// Target is the offset of the message that an edit, deletion or reaction concerns; Of is that message's id, Sent its time and Author
	// its sender.
	Target uint64 `json:"target,omitempty"`
	Of     string `json:"of,omitempty"`
	Sent   int64  `json:"sent,omitempty"`
	Author string `json:"author,omitempty"`

	Reaction string `json:"reaction,omitempty"`
	Remove   bool   `json:"remove,omitempty"`

	// User is whom a member event concerns, Membership "joined", "invited", "banned" or "none".
	User       string `json:"user,omitempty"`
	Membership string `json:"membership,omitempty"`
	Role       string `json:"role,omitempty"`
	MutedUntil int64  `json:"muted_until,omitempty"`

	// Change is what a room event tells: "created", "updated" or "deleted".
	Change string `json:"change,omitempty"`
	Title  string `json:"title,omitempty"`
}

// Content is what a sender says: text, data, attachments, or some of them.
type Content struct {
	Text        *string         `json:"text,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
	ReplyTo     string          `json:"reply_to,omitempty"`
	Mentions    []string        `json:"mentions,omitempty"`
	Thread      uint64          `json:"thread,omitempty"`
	Attachments []Attachment    `json:"attachments,omitempty"`
}

// Attachment is a file that lies elsewhere.
type Attachment struct {
	URL  string `json:"url"`
	Type string `json:"type,omitempty"`
	Name string `json:"name,omitempty"`
	Size int64  `json:"size,omitempty"` // bytes
}

// Bounds of a message, besides Limits.
const (
	maxID          = 64 // bytes
	maxMentions    = 64
	maxAttachments = 10
	maxURL         = 2048 // bytes
	maxTextField   = 255  // bytes of a media type or a file's name
	// maxDepth is how deep data may be nested: many languages' readers of JSON give up at a few hundred, and with them a room's clients.
	maxDepth = 64
)

// note is what the index keeps of the event.
func (e *Event) note() backbone.Note {
	n := backbone.Note{Target: e.Target, Sender: backbone.NameHash(e.Sender)}
	switch e.Type {
	case eventMessage:
		n.Kind, n.Target = backbone.NoteMessage, e.Thread
	case eventEdit:
		n.Kind, n.Thread = backbone.NoteEdit, e.Thread
	case eventDelete:
		n.Kind, n.Thread, n.Sender = backbone.NoteDelete, e.Thread, backbone.NameHash(e.Author)
	case eventReaction:
		n.Kind = backbone.NoteReaction
	}
	for _, user := range e.Mentions {
		n.Mentions = append(n.Mentions, backbone.NameHash(user))
	}
	return n
}

func (s *Service) checkContent(c *Content) error {
	switch {
	case c.Text == nil && len(c.Data) == 0 && len(c.Attachments) == 0:
		return failf(Invalid, "a message needs text, data or attachments")
	case c.Text != nil && *c.Text == "":
		return failf(Invalid, "the text is empty")
	case c.Text != nil && len(*c.Text) > s.limits.TextBytes:
		return failf(Invalid, "the text has more than %d bytes", s.limits.TextBytes)
	case len(c.Data) > s.limits.DataBytes:
		return failf(Invalid, "the data has more than %d bytes", s.limits.DataBytes)
	case deep(c.Data):
		return failf(Invalid, "the data is nested more than %d deep", maxDepth)
	case len(c.ReplyTo) > maxID:
		return failf(Invalid, "reply_to has more than %d bytes", maxID)
	case len(c.Mentions) > maxMentions:
		return failf(Invalid, "more than %d mentions", maxMentions)
	case len(c.Attachments) > maxAttachments:
		return failf(Invalid, "more than %d attachments", maxAttachments)
	}
	for _, user := range c.Mentions {
		if err := CheckUser(user); err != nil {
			return err
		}
	}
	for i := range c.Attachments {
		if err := c.Attachments[i].check(); err != nil {
			return err
		}
	}
	return nil
}

// deep says whether JSON is nested more than maxDepth deep.
func deep(data []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		switch b := data[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

func (a *Attachment) check() error {
	u, err := url.Parse(a.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || len(a.URL) > maxURL:
		return failf(Invalid, "the url of an attachment is an https address of at most %d bytes", maxURL)
	case len(a.Type) > maxTextField || len(a.Name) > maxTextField:
		return failf(Invalid, "type and name of an attachment have at most %d bytes", maxTextField)
	case a.Size < 0:
		return failf(Invalid, "the size of an attachment is not negative")
	}
	return nil
}
