package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Tables is where the state of chat is kept: what backbone gives.
type Tables interface {
	Get(ctx context.Context, table, key string) (backbone.Row, error)
	Put(ctx context.Context, table, key string, data []byte, expected uint64) (uint64, error)
	Remove(ctx context.Context, table, key string, expected uint64) error
	List(ctx context.Context, table, prefix string, after uint64, limit int) ([]backbone.Row, bool, error)
	All(ctx context.Context, table, prefix string) ([]backbone.Row, error)
	Count(ctx context.Context, table, prefix string) (int, error)
	Watch(table string, changed func(key string)) (func(), error)
}

// roomRecord is what layout.Rooms has of a room. A room without one is open to every signed-in user, where that is allowed.
type roomRecord struct {
	Kind      chatv1.RoomKind      `json:"kind"`
	Title     string               `json:"title,omitempty"`
	Data      json.RawMessage      `json:"data,omitempty"`
	Join      chatv1.JoinPolicy    `json:"join,omitempty"`
	History   chatv1.HistoryPolicy `json:"history,omitempty"`
	Retention int64                `json:"retention,omitempty"` // seconds
	Archived  bool                 `json:"archived,omitempty"`
	Created   int64                `json:"created"`
	CreatedBy string               `json:"created_by,omitempty"`
	// Changed is when somebody last changed what others are told of, in milliseconds: part of the ids of the events that tell it.
	Changed int64 `json:"changed,omitempty"`
	// Owners are the users whose member records say so too. Who ceases to be one is taken from here first: so the last can be kept.
	Owners []string `json:"owners,omitempty"`
	// Begins is an offset up to which nothing is left in the log: it was too old, or of an earlier room of the name, which was deleted.
	Begins uint64 `json:"begins,omitempty"`
	// Deleted is set while what belongs to the room is being taken away, up to Erased in its log, by DeletedBy; Gone says that nothing is
	// left but this record, which keeps the name from becoming an open room's.
	Deleted   bool   `json:"deleted,omitempty"`
	DeletedBy string `json:"deleted_by,omitempty"`
	Erased    uint64 `json:"erased,omitempty"`
	Gone      bool   `json:"gone,omitempty"`
}

// memberRecord is what layout.Members has of a user in a room: how the user stands to it.
type memberRecord struct {
	Membership chatv1.Membership `json:"membership"`
	Role       chatv1.Role       `json:"role,omitempty"`
	Since      int64             `json:"since"` // milliseconds
	// Floor is the room's newest offset when the user joined.
	Floor      uint64 `json:"floor,omitempty"`
	MutedUntil int64  `json:"muted_until,omitempty"` // milliseconds
	// By is who made the last change, empty if a server did; Change what the user is told of it, and Changed when it was, in
	// milliseconds. So anybody can finish what the one who wrote the record could not.
	By      string `json:"by,omitempty"`
	Change  string `json:"change,omitempty"`
	Changed int64  `json:"changed,omitempty"`
}

// inboxRecord is what layout.Inbox has of a room for a user: that it is on the user's list, and how far the user is in it.
type inboxRecord struct {
	Read      uint64 `json:"read,omitempty"`
	Delivered uint64 `json:"delivered,omitempty"`
	// Floor is that of the member record: what is before it doesn't count as unread.
	Floor uint64 `json:"floor,omitempty"`
	// Invited says that the user is not a member yet: nothing counts as unread.
	Invited bool `json:"invited,omitempty"`
	// Listed is when the room came on the list, in microseconds.
	Listed int64 `json:"listed"`
	// Marked is when the marks were moved last, in milliseconds: part of the id of the event that tells it.
	Marked int64 `json:"marked,omitempty"`
	// Was is what Delivered was before that, for the receipt that tells it.
	Was uint64 `json:"was,omitempty"`
}

// personRecord is what layout.People has of a user.
type personRecord struct {
	Blocked  []string      `json:"blocked,omitempty"`
	Status   chatv1.Status `json:"status,omitempty"`
	LastSeen int64         `json:"last_seen,omitempty"` // milliseconds
	// Changed is when the user last changed something here, in milliseconds, later at each change: part of the ids of the events that tell it,
	// and their time.
	Changed int64 `json:"changed,omitempty"`
}

// record is what one row says, and its revision: 0 if there is none.
type record[V any] struct {
	value    V
	revision uint64
}

func (r record[V]) exists() bool { return r.revision != 0 }

// loadRow reads a row.
func loadRow[V any](ctx context.Context, t Tables, table, key string) (record[V], error) {
	var r record[V]
	row, err := t.Get(ctx, table, key)
	if err != nil {
		return r, err
	}
	r.revision = row.Revision
	if row.Revision != 0 {
		err = json.Unmarshal(row.Data, &r.value)
	}
	if err != nil {
		return r, fmt.Errorf("read %s of %s: %w", key, table, err)
	}
	return r, nil
}

// maxConflicts is how often a change is made anew since somebody else was faster.
const maxConflicts = 20

// errKeep says that a row may stay as it is.
var errKeep = errors.New("nothing to change")

// changeRow reads a row, lets change decide what it is to be, and writes it, again from the start if it has changed meanwhile. What change
// gives as error ends it; errKeep leaves the row, without an error.
func changeRow[V any](ctx context.Context, t Tables, table, key string, change func(now *record[V]) error) (record[V], error) {
	for range maxConflicts {
		r, err := loadRow[V](ctx, t, table, key)
		if err != nil {
			return r, fromLog(err)
		}
		switch err := change(&r); {
		case errors.Is(err, errKeep):
			return r, nil
		case err != nil:
			return r, err
		}
		data, err := json.Marshal(r.value)
		if err != nil {
			return r, fromLog(err)
		}
		r.revision, err = t.Put(ctx, table, key, data, r.revision)
		if err == nil {
			return r, nil
		}
		if !errors.Is(err, backbone.ErrConflict) {
			return r, fromLog(err)
		}
	}
	return record[V]{}, failf(Conflict, "others are changing the same thing; try again")
}

// removeRow takes a row away, whatever it says.
func removeRow(ctx context.Context, t Tables, table, key string) error {
	for range maxConflicts {
		row, err := t.Get(ctx, table, key)
		if err == nil && row.Revision != 0 {
			err = t.Remove(ctx, table, key, row.Revision)
		}
		if err == nil || !errors.Is(err, backbone.ErrConflict) {
			return fromLog(err)
		}
	}
	return failf(Conflict, "others are changing the same thing; try again")
}

func roomKey(feed backbone.Feed) string { return layout.RowKey(feed.App, feed.Name) }

func memberKey(feed backbone.Feed, user string) string {
	return layout.RowKey(feed.App, feed.Name, user)
}

func inboxKey(feed backbone.Feed, user string) string {
	return layout.RowKey(feed.App, user, feed.Name)
}

func personKey(app, user string) string { return layout.RowKey(app, user) }

func millis(t time.Time) int64 { return t.UnixMilli() }
