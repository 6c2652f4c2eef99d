package mqtt

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
	Patch   fields `json:"patch,omitempty"`
	Patched uint64 `json:"patched,omitempty"`
}

// maxConflicts is how often a row is changed anew since somebody else was faster.
const maxConflicts = 10

// keep changes the user's row of a conversation.
func (g *Gateway) keep(ctx context.Context, a chat.Actor, with string, change func(r *keptRow) error) error {
	key := layout.RowKey(rowsOf, a.App, a.User, with)
	for range maxConflicts {
		row, err := g.options.Log.Get(ctx, layout.People, key)
		if err != nil {
			return unavailable(err)
		}
		var r keptRow
		if row.Revision != 0 {
			if err := json.Unmarshal(row.Data, &r); err != nil {
				return err
			}
		}
		if err := change(&r); err != nil {
			return err
		}
		data, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err = g.options.Log.Put(ctx, layout.People, key, data, row.Revision); err == nil {
			return nil
		}
		if !errors.Is(err, backbone.ErrConflict) {
			return unavailable(err)
		}
	}
	return &chat.Error{Kind: chat.Conflict, Message: "others are changing the same conversation; try again"}
}

func unavailable(err error) error {
	if errors.Is(err, backbone.ErrUnavailable) || errors.Is(err, backbone.ErrBusy) || errors.Is(err, backbone.ErrClosed) {
		return &chat.Error{Kind: chat.Unavailable, Message: "the log can't be reached; try again"}
	}
	return err
}

// keptOf gives the user's rows by conversation.
func (g *Gateway) keptOf(ctx context.Context, app, user string) (map[string]keptRow, error) {
	all := map[string]keptRow{}
	for after := uint64(0); ; {
		rows, more, err := g.options.Log.List(ctx, layout.People, layout.RowKey(rowsOf, app, user), after, 1000)
		if err != nil {
			return nil, unavailable(err)
		}
		for _, row := range rows {
			after = row.Revision
			var r keptRow
			if parts, ok := layout.ParseRowKey(row.Key); ok && len(parts) == 4 && json.Unmarshal(row.Data, &r) == nil {
				all[parts[3]] = r
			}
		}
		if !more || len(rows) == 0 {
			return all, nil
		}
	}
}

// erased forgets what is kept of a user whose messages have been erased.
func (g *Gateway) erased(app, user string) {
	g.start(func() {
		ctx, cancel := context.WithTimeout(g.ctx, g.limits.SendTimeout)
		defer cancel()
		err := persist(ctx, func(ctx context.Context) error { return g.dropKept(ctx, app, user) })
		if err != nil {
			g.log.Error("what chat21 keeps of an erased user is still there", "app", app, "error", err)
		}
	})
}

// dropKept removes all of a user's rows.
func (g *Gateway) dropKept(ctx context.Context, app, user string) error {
	for {
		rows, more, err := g.options.Log.List(ctx, layout.People, layout.RowKey(rowsOf, app, user), 0, 1000)
		for _, row := range rows {
			if e := g.options.Log.Remove(ctx, layout.People, row.Key, row.Revision); !errors.Is(e, backbone.ErrConflict) {
				err = errors.Join(err, e)
			}
		}
		if err != nil || !more {
			return unavailable(err)
		}
	}
}

// patch merges fields into a user's conversation, and tells the user's sessions.
func (g *Gateway) patch(ctx context.Context, a chat.Actor, with string, payload []byte) error {
	var said fields
	if json.Unmarshal(payload, &said) != nil || said == nil {
		return errNotObject
	}
	p, err := g.find(ctx, a, with)
	if err != nil {
		return err
	}
	last, err := g.newestOf(ctx, a, p)
	if err != nil {
		return err
	}
	if string(said["is_new"]) == "false" {
		if err := g.read(ctx, a, p); err != nil {
			return err
		}
	}
	if len(said) > 1 || string(said["is_new"]) != "false" {
		err = g.keep(ctx, a, with, func(r *keptRow) error { return r.merge(said, last.GetOffset()) })
		if err != nil {
			return err
		}
	}
	said.with("timelineOf", a.User).with("conversWith", with)
	g.tellJSON(a.App, a.User, "conversations/"+level(with)+"/clientupdated", said)
	return nil
}

// merge sets fields. Whether the conversation is new or archived is told apart.
func (r *keptRow) merge(said fields, at uint64) error {
	if r.Patch == nil {
		r.Patch = fields{}
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

// archive puts a user's conversation into the archive, and tells the user's sessions.
func (g *Gateway) archive(ctx context.Context, a chat.Actor, with string) error {
	p, err := g.find(ctx, a, with)
	if err != nil {
		return err
	}
	last, err := g.newestOf(ctx, a, p)
	if err != nil {
		return err
	}
	if last == nil {
		return &chat.Error{Kind: chat.NotFound, Message: "there is no such conversation"}
	}
	if err := g.keep(ctx, a, with, func(r *keptRow) error {
		r.Archived = last.GetOffset()
		return nil
	}); err != nil {
		return err
	}
	if err := g.record(ctx, a, beside{Type: typeArchived, With: with}); err != nil {
		return err
	}
	all, err := g.conversations(ctx, a, true, with)
	if err != nil || len(all) == 0 {
		return err
	}
	g.tellJSON(a.App, a.User, "conversations/"+level(with)+"/clientdeleted", all[0])
	g.tellJSON(a.App, a.User, "archived_conversations/"+level(with)+"/clientadded", all[0])
	return nil
}

// newestOf is the newest message of a conversation, or nil.
func (g *Gateway) newestOf(ctx context.Context, a chat.Actor, p place) (*chatv1.Message, error) {
	page, err := g.options.Chat.Messages(ctx, a, &chatv1.MessagesRequest{Room: p.channel(), Limit: 1})
	if err != nil || len(page.GetMessages()) == 0 {
		return nil, err
	}
	return page.GetMessages()[0], nil
}
