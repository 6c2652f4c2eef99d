package chat21

import (
	"context"
	"encoding/json"
	"errors"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// rowsOf begins the keys of what chat21 keeps of conversations and chat does not: RowKey(rowsOf, app, user, with) in layout.People. No
// application has a name that begins with a zero byte.
const rowsOf = "\x00chat21"

// maxPatch is how many bytes the fields that a user has patched into a conversation may take.
const maxPatch = 4 << 10

// keptRow is one such row.
type keptRow struct {
	// Archived is the offset of the conversation's newest message when the user archived it: a newer one takes it out of the archive.
	Archived uint64 `json:"archived,omitempty"`
	// Hidden is the same of one that is on neither list.
	Hidden uint64 `json:"hidden,omitempty"`
	// Patch are fields that the user has set, when the newest message was that at offset Patched.
	Patch   Fields `json:"patch,omitempty"`
	Patched uint64 `json:"patched,omitempty"`
}

// keep changes the user's row of a conversation, unless change fails.
func (t *Timelines) keep(ctx context.Context, a chat.Actor, with string, change func(r *keptRow) error) error {
	var refused error
	_, err := chat.Keep(ctx, t.o.Log, layout.RowKey(rowsOf, a.App, a.User, with), func(r *keptRow) bool {
		refused = change(r)
		return refused == nil
	})
	if refused != nil {
		return refused
	}
	return err
}

// keptOf gives the user's rows by conversation.
func (t *Timelines) keptOf(ctx context.Context, app, user string) (map[string]keptRow, error) {
	rows, err := t.o.Log.All(ctx, layout.People, layout.RowKey(rowsOf, app, user))
	if err != nil {
		return nil, unavailable(err)
	}
	all := map[string]keptRow{}
	for _, row := range rows {
		var r keptRow
		if parts, ok := layout.ParseRowKey(row.Key); ok && len(parts) == 4 && json.Unmarshal(row.Data, &r) == nil {
			all[parts[3]] = r
		}
	}
	return all, nil
}

// Forget drops what is kept of a user. While that is not possible it tries again, until ctx ends.
func (t *Timelines) Forget(ctx context.Context, app, user string) error {
	return persist(ctx, func(ctx context.Context) error { return t.dropKept(ctx, app, user) })
}

// dropKept removes all of a user's rows.
func (t *Timelines) dropKept(ctx context.Context, app, user string) error {
	rows, err := t.o.Log.All(ctx, layout.People, layout.RowKey(rowsOf, app, user))
	for _, row := range rows {
		if e := t.o.Log.Remove(ctx, layout.People, row.Key, row.Revision); !errors.Is(e, backbone.ErrConflict) {
			err = errors.Join(err, e)
		}
	}
	return unavailable(err)
}

// Patch merges fields into a user's conversation, and tells the user's sessions.
func (t *Timelines) Patch(ctx context.Context, a chat.Actor, with string, payload []byte) error {
	var said Fields
	if json.Unmarshal(payload, &said) != nil || said == nil {
		return errNotObject
	}
	p, err := t.Find(ctx, a, with)
	if err != nil {
		return err
	}
	last, err := t.newest(ctx, a, p)
	if err != nil {
		return err
	}
	if string(said["is_new"]) == "false" {
		if err := t.read(ctx, a, p); err != nil {
			return err
		}
	}
	if len(said) > 1 || string(said["is_new"]) != "false" {
		err = t.keep(ctx, a, with, func(r *keptRow) error { return r.merge(said, last.GetOffset()) })
		if err != nil {
			return err
		}
	}
	said.with("timelineOf", a.User).with("conversWith", with)
	t.tellJSON(a.App, a.User, "conversations/"+Level(with)+"/clientupdated", said)
	return nil
}

// merge sets fields. Whether the conversation is new or archived is told apart.
func (r *keptRow) merge(said Fields, at uint64) error {
	if r.Patch == nil {
		r.Patch = Fields{}
	}
	for name, value := range said {
		r.Patch[name] = value
	}
	switch string(said["archived"]) {
	case "true":
		r.Archived = at
	case "false":
		r.Archived = 0
	}
	delete(r.Patch, "archived")
	if string(said["is_new"]) == "false" {
		delete(r.Patch, "is_new")
	}
	r.Patched = at
	if raw, err := json.Marshal(r.Patch); err != nil || len(raw) > maxPatch {
		return &chat.Error{Kind: chat.Limit, Message: "the fields set in a conversation take too much"}
	}
	return nil
}

// Archive puts a user's conversation into the archive, and tells the user's sessions.
func (t *Timelines) Archive(ctx context.Context, a chat.Actor, with string) error {
	p, err := t.Find(ctx, a, with)
	if err != nil {
		return err
	}
	last, err := t.newest(ctx, a, p)
	if err != nil {
		return err
	}
	if last == nil {
		return &chat.Error{Kind: chat.NotFound, Message: "there is no such conversation"}
	}
	if err := t.keep(ctx, a, with, func(r *keptRow) error {
		r.Archived = last.GetOffset()
		return nil
	}); err != nil {
		return err
	}
	if err := t.record(ctx, a, beside{Type: typeArchived, With: with}); err != nil {
		return err
	}
	all, err := t.Conversations(ctx, a, true, with)
	if err != nil || len(all) == 0 {
		return err
	}
	t.tellJSON(a.App, a.User, "conversations/"+Level(with)+"/clientdeleted", all[0])
	t.tellJSON(a.App, a.User, "archived_conversations/"+Level(with)+"/clientadded", all[0])
	return nil
}

// newest is the newest message of a conversation, or nil.
func (t *Timelines) newest(ctx context.Context, a chat.Actor, p Place) (*chatv1.Message, error) {
	page, err := t.o.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: p.Channel(), Limit: 1})
	if err != nil || len(page.GetMessages()) == 0 {
		return nil, err
	}
	return page.GetMessages()[0], nil
}

// Hide takes a group's conversation off its members' lists until something new is said. server is the application's.
func (t *Timelines) Hide(ctx context.Context, server chat.Actor, in Group) error {
	last, err := t.newest(ctx, server, Place{With: in.ID, Group: true})
	if err != nil {
		return err
	}
	for _, member := range in.Members {
		err := t.keep(ctx, chat.Actor{App: server.App, User: member}, in.ID, func(r *keptRow) error {
			r.Hidden = last.GetOffset()
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
