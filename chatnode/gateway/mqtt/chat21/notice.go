package chat21

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Label is what chat21 says of a change besides words, for clients that speak other languages.
type Label struct {
	Key        string         `json:"key"`
	Parameters map[string]any `json:"parameters"`
}

// Inform says something in a group as the system.
func (t *Timelines) Inform(ctx context.Context, app, group, words string, label Label) error {
	payload, err := json.Marshal(object{
		"text": words, "type": "text", "channel_type": channelGroup, "sender_fullname": systemFullname, "recipient_fullname": group,
		"attributes": object{"subtype": "info", "updateconversation": true, "messagelabel": label},
	})
	if err != nil {
		return err
	}
	return t.Send(ctx, chat.Actor{App: app, User: system, Server: true}, group, payload, nil)
}

// TellGroup tells users how a group is now, and what has changed of it, if that is given.
func (t *Timelines) TellGroup(ctx context.Context, app, id string, users []string, change *Label) error {
	g, err := t.Group(ctx, chat.Actor{App: app, Server: true}, id)
	if err != nil {
		return err
	}
	document := g.Document(app)
	if change != nil {
		document["notification"] = object{"messagelabel": change}
	}
	for _, user := range users {
		t.tellJSON(app, user, "groups/"+Level(id)+"/clientupdated", document)
	}
	return nil
}

// Wipe deletes what was said in a group, the newest first, as an actor who has to be allowed to delete what others said. If ctx ends before
// that is done, the next call goes on.
func (t *Timelines) Wipe(ctx context.Context, a chat.Actor, in Group) error {
	q := &chatv1.MessagesRequest{Room: in.Channel(), Limit: pageMessages}
	for {
		page, err := t.o.Chat.Messages(ctx, a, q)
		if err != nil {
			return err
		}
		for _, m := range page.GetMessages() {
			if m.GetDeleted() {
				continue
			}
			_, err := t.o.Chat.Delete(ctx, a, &chatv1.DeleteRequest{Room: in.Channel(), Id: uuid.Must(uuid.NewV7()).String(), Offset: m.GetOffset()})
			if err != nil && !IsNotFound(err) {
				return err
			}
		}
		if !page.GetMore() || len(page.GetMessages()) == 0 {
			return nil
		}
		q.Before = page.GetMessages()[0].GetOffset()
	}
}
