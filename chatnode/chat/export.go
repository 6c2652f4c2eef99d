package chat

import (
	"context"
	"encoding/base64"
	"encoding/json"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Bounds of a page of an export.
const (
	// exportRooms and exportLooks are how many rooms and how many messages a page looks at.
	exportRooms, exportLooks = 50, 1000
	// exportPart is how many messages are read at a time.
	exportPart = 100
)

// exportCursor is where an export goes on.
type exportCursor struct {
	// Trails is set behind the last room of the user's list.
	Trails bool `json:"t,omitempty"`
	// After is the revision of the last row that is done, Room the room under work, and Before the offset to which it is done, from its end.
	After  uint64 `json:"r,omitempty"`
	Room   string `json:"n,omitempty"`
	Next   uint64 `json:"s,omitempty"` // the revision of Room's row
	Before uint64 `json:"b,omitempty"`
}

func (c exportCursor) String() string {
	text, _ := json.Marshal(c) // numbers and a string
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseExportCursor(cursor string) (c exportCursor, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &c) != nil {
		return c, failf(Invalid, "the cursor is none of ours: take that of the reply before")
	}
	return c, nil
}

// ExportUser gives what is stored of a user, page by page: whom the user has blocked, the status, the rooms on the user's list with the marks there, and
// the messages that the user sent, as they are now, in those rooms and in all that the user has left or written in as a guest; the newest of
// each room first. What was published in channels outside the chat vocabulary is not told, nor are reactions. A page may be empty though
// others follow: each looks at a bounded number of messages, also of those that others sent. For servers, and for the user. Errors: Invalid,
// Denied, Unavailable.
func (s *Service) ExportUser(ctx context.Context, a Actor, q *chatv1.ExportUserRequest) (*chatv1.ExportUserReply, error) {
	user := q.GetUser()
	if user == "" && !a.Server {
		user = a.User
	}
	if err := CheckUser(user); err != nil {
		return nil, err
	}
	if !a.Server && a.User != user {
		return nil, failf(Denied, "only the user, or an application's server, may export what is stored of a user")
	}
	e := export{s: s, actor: Actor{App: a.App, User: user}, reply: &chatv1.ExportUserReply{}}
	if q.GetCursor() == "" {
		person, err := loadRow[personRecord](ctx, s.tables, layout.People, personKey(a.App, user))
		if err != nil {
			return nil, fromLog(err)
		}
		e.reply.Blocks = person.value.Blocked
		e.reply.Presence = &chatv1.UserPresence{User: user, Status: person.value.Status, LastSeen: person.value.LastSeen}
	} else {
		var err error
		if e.at, err = parseExportCursor(q.GetCursor()); err != nil {
			return nil, err
		}
	}
	return e.reply, e.fill(ctx)
}

// export is one page that is being made.
type export struct {
	s     *Service
	actor Actor // the user
	reply *chatv1.ExportUserReply
	at    exportCursor

	rooms, looked, bytes int
}

// fill goes through rooms and messages until there is enough.
func (e *export) fill(ctx context.Context) error {
	for {
		if e.at.Room == "" {
			if more, err := e.nextRoom(ctx); err != nil || !more {
				return err // without a cursor: that was all
			}
		}
		done, err := e.read(ctx)
		if err != nil {
			return fromLog(err)
		}
		if done {
			e.at = exportCursor{Trails: e.at.Trails, After: e.at.Next}
		}
		if !done || e.rooms >= exportRooms || e.looked >= exportLooks {
			e.reply.Cursor = e.at.String()
			return nil
		}
	}
}

// nextRoom finds the next room of the list, or of the trails behind it.
func (e *export) nextRoom(ctx context.Context) (more bool, err error) {
	prefix, parts := layout.RowKey(e.actor.App, e.actor.User), 3
	if e.at.Trails {
		prefix, parts = trailPrefix(e.actor.App, e.actor.User), 4
	}
	rows, _, err := e.s.tables.List(ctx, layout.Inbox, prefix, e.at.After, 1)
	switch {
	case err != nil:
		return false, fromLog(err)
	case len(rows) == 0 && e.at.Trails:
		return false, nil
	case len(rows) == 0:
		e.at = exportCursor{Trails: true}
		return e.nextRoom(ctx)
	}
	key, ok := layout.ParseRowKey(rows[0].Key)
	if !ok || len(key) != parts {
		return false, failf(Internal, "internal error")
	}
	e.rooms++
	e.at.Room, e.at.Next, e.at.Before = key[parts-1], rows[0].Revision, 0
	if e.at.Trails {
		listed, err := e.s.tables.Get(ctx, layout.Inbox, inboxKey(e.feed(), e.actor.User))
		if err == nil && listed.Revision > 0 { // the user has come back, and the room was told of already
			e.at = exportCursor{Trails: true, After: e.at.Next}
			return e.nextRoom(ctx)
		}
		return true, fromLog(err)
	}
	c := conversation{feed: e.feed(), rank: rank{Room: e.at.Room}}
	if err := json.Unmarshal(rows[0].Data, &c.marks); err != nil {
		return false, fromLog(err)
	}
	told, err := e.s.describeOne(ctx, e.actor, &c)
	if told != nil {
		e.reply.Rooms = append(e.reply.Rooms, told)
	}
	return true, err
}

func (e *export) feed() backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: e.actor.App, Name: e.at.Room}
}

// read looks for the user's messages in the room; done at its start.
func (e *export) read(ctx context.Context) (done bool, err error) {
	for e.looked < exportLooks && e.bytes < pageBytes {
		view, err := e.s.log.Messages(ctx, e.feed(), backbone.MessagesQuery{Before: e.at.Before, Limit: exportPart})
		if err != nil {
			return false, err
		}
		for i := len(view.Entries) - 1; i >= 0; i-- {
			entry := view.Entries[i]
			if m := messageOf(entry); m.Sender == e.actor.User && !m.Deleted {
				m.Room = e.at.Room
				e.reply.Messages = append(e.reply.Messages, m)
				e.bytes += sizeOf(entry)
			}
			e.at.Before = entry.Offset
		}
		e.looked += len(view.Entries)
		if !view.More || len(view.Entries) == 0 {
			return true, nil
		}
	}
	return false, nil
}
