package chat21

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/hook"
)

// BesideRooms begins the names of feeds with what a webhook in chat21's form is told besides what rooms have. No client reaches them, since
// no channel has a name that begins with a zero byte.
const BesideRooms = "\x00chat21\x00"

// besideFeed has what happens to one user.
func besideFeed(app, user string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: app, Name: BesideRooms + user}
}

// Words of chat21's webhooks.
const (
	typeSent      = "message-sent"
	typeDelivered = "message-delivered"
	typePresence  = "presence-change"
	typeArchived  = "conversation-archived"
)

// beside is an event of such a feed. It holds nothing that anybody said.
type beside struct {
	Type string `json:"type"`
	// Time is when it happened, in milliseconds since 1970.
	Time int64 `json:"time"`
	// Presence is online or offline.
	Presence string `json:"presence,omitempty"`
	// With is the partner or the group of the conversation.
	With string `json:"with,omitempty"`
}

// record has the webhook told of what a user does, if there is one in chat21's form. It returns when that is stored. Errors: Unavailable.
func (t *Timelines) record(ctx context.Context, a chat.Actor, e beside) error {
	if !t.o.Webhook {
		return nil
	}
	e.Time = t.o.Now().UnixMilli()
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	draft := backbone.Draft{ID: uuid.NewString(), Sender: a.User, Data: data}
	return persist(ctx, func(ctx context.Context) error {
		_, err := t.o.Log.Enqueue(besideFeed(a.App, a.User), draft).Wait(ctx)
		return unavailable(err)
	})
}

// RecordPresence notes that a client says that it is there, or is gone. What says neither is none of the webhook's business.
func (t *Timelines) RecordPresence(ctx context.Context, a chat.Actor, payload []byte) error {
	var said struct {
		Connected    bool `json:"connected"`
		Disconnected bool `json:"disconnected"`
	}
	_ = json.Unmarshal(payload, &said) // anything else says nothing
	switch {
	case said.Connected:
		return t.record(ctx, a, beside{Type: typePresence, Presence: "online"})
	case said.Disconnected:
		return t.record(ctx, a, beside{Type: typePresence, Presence: "offline"})
	}
	return nil
}

// WebhookForm is a hook.Form: what chat21 tells of an event.
func (t *Timelines) WebhookForm(ctx context.Context, e hook.Event) ([]hook.Body, error) {
	if user, ok := strings.CutPrefix(e.Room, BesideRooms); ok {
		return t.besideForm(ctx, chat.Actor{App: e.App, User: user}, e.Event)
	}
	feed := backbone.Feed{Kind: layout.Room, App: e.App, Name: e.Room}
	said, ok := OfEvent(e.Event)
	if !ok {
		return nil, nil
	}
	message := buildBody(feed, said, true)
	owners, err := t.timelines(ctx, feed, message.Sender)
	if err != nil {
		return nil, err
	}
	var bodies []hook.Body
	for _, each := range owners {
		if message.HiddenFor == each.User {
			continue
		}
		for _, status := range each.statuses {
			body, err := messageBody(e.App, each.Place, said, message, status)
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, body)
		}
	}
	return bodies, nil
}

// timeline is where a message came to, with the statuses of its copies there.
type timeline struct {
	Place
	statuses []int
}

// timelines are all those that a message of a room is in: of a direct conversation the sender's and then the other's, of a group its own and
// then all members'.
func (t *Timelines) timelines(ctx context.Context, feed backbone.Feed, sender string) (all []timeline, err error) {
	channel := chat.Channel(feed)
	var owners []string
	if other, direct := chat.Partner(channel, sender); direct {
		first, _ := chat.Partner(channel, other) // the sender, unless that is the application's server
		if owners = []string{first, other}; first == other {
			owners = owners[:1]
		}
	} else {
		in := Group{ID: PlaceOf(channel, "").With}
		if err := t.readMembers(ctx, chat.Actor{App: feed.App, Server: true}, &in); err != nil && !IsNotFound(err) {
			return nil, err
		}
		owners = in.Members
		all = append(all, timeline{Place{User: in.ID, With: in.ID, Group: true}, []int{statusSent}})
	}
	for _, user := range owners {
		p := PlaceOf(channel, user)
		all = append(all, timeline{p, p.Statuses(sender)})
	}
	return all, nil
}

// messageBody tells that a message came into a timeline.
func messageBody(app string, p Place, s Said, message *Body, status int) (hook.Body, error) {
	kind := typeDelivered
	if status == statusSent {
		kind = typeSent
	}
	raw, err := json.Marshal(object{
		"event_type": kind, "createdAt": s.time, "recipient_id": p.recipient(message.Sender), "app_id": app, "message_id": s.ID,
		"data": json.RawMessage(message.WithStatus(status)), "delivered_to": p.User,
		"extras": topicOf(app, p.User, "messages/"+Level(p.With)+"/clientadded"),
	})
	return hook.Body{Key: kind + "/" + p.User, JSON: raw}, err
}

// topicOf names a topic below a user's as RabbitMQ does.
func topicOf(app, user, own string) object {
	return object{"topic": strings.ReplaceAll(UserTopics(app, user)+own, "/", ".")}
}

// besideForm tells of what happened to a user.
func (t *Timelines) besideForm(ctx context.Context, a chat.Actor, event []byte) ([]hook.Body, error) {
	var e beside
	if json.Unmarshal(event, &e) != nil {
		return nil, nil
	}
	told := object{"event_type": e.Type, "createdAt": e.Time, "app_id": a.App, "user_id": a.User}
	switch e.Type {
	case typePresence:
		told["presence"], told["data"] = e.Presence, true
	case typeArchived:
		archived, err := t.Conversations(ctx, a, true, e.With)
		if err != nil {
			return nil, err
		}
		told["recipient_id"], told["convers_with"], told["data"] = e.With, e.With, nil //nolint:misspell // the field is named so
		if len(archived) > 0 {                                                         // else something was said since
			told["data"] = archived[0]
		}
		told["extras"] = topicOf(a.App, a.User, "conversations/"+Level(e.With)+"/archive")
	default:
		return nil, nil
	}
	raw, err := json.Marshal(told)
	return []hook.Body{{JSON: raw}}, err
}
