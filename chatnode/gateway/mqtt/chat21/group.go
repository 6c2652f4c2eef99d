package chat21

import (
	"context"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// Group is a room as chat21 has it.
type Group struct {
	ID, Name, Owner string
	// Attributes are any JSON; nil: it has none.
	Attributes json.RawMessage
	Members    []string
	// Owners are the members who own the room in chat.
	Owners            []string
	created, modified int64
}

// Channel is the room.
func (g *Group) Channel() string { return roomPrefix + g.ID }

// Document is the group as clients get it.
func (g *Group) Document(app string) map[string]any {
	members := object{}
	for _, member := range g.Members {
		members[member] = 1
	}
	d := object{
		"_id": g.ID, "uid": g.ID, "name": g.Name, "appId": app, "owner": g.Owner, "members": members,
		"createdOn": g.created, "updatedOn": g.modified,
	}
	if len(g.Attributes) > 0 {
		d["attributes"] = g.Attributes
	}
	return d
}

// groupData is what of a group is kept in a room's data, below dataKey.
type groupData struct {
	Owner      string          `json:"owner"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
}

// Data is what of the group is kept in the data of its room.
func (g *Group) Data() (*structpb.Struct, error) {
	raw, err := json.Marshal(map[string]groupData{dataKey: {g.Owner, g.Attributes}})
	if err != nil {
		return nil, err
	}
	data := &structpb.Struct{}
	return data, data.UnmarshalJSON(raw)
}

// MakeGroup makes a room for a group, of which its owner is the owner in chat too, if a member.
func (t *Timelines) MakeGroup(ctx context.Context, a chat.Actor, wanted Group) error {
	data, err := wanted.Data()
	if err != nil {
		return err
	}
	_, err = t.o.Chat.CreateRoom(ctx, a, &chatv1.CreateRoomRequest{
		Room: wanted.Channel(), Kind: chatv1.RoomKind_ROOM_KIND_GROUP, Title: wanted.Name, Data: data, Members: wanted.Members,
	})
	if err != nil || !a.Server || !slices.Contains(wanted.Members, wanted.Owner) {
		return err
	}
	_, err = t.o.Chat.SetRole(ctx, a, &chatv1.SetRoleRequest{Room: wanted.Channel(), User: wanted.Owner, Role: chatv1.Role_ROLE_OWNER})
	return err
}

var errNoGroup = &chat.Error{Kind: chat.NotFound, Message: "there is no such group"}

// Group reads one, with all its members, for whoever may see them. Errors: NotFound and others of chat.
func (t *Timelines) Group(ctx context.Context, a chat.Actor, id string) (Group, error) {
	found := Group{ID: id}
	room, err := t.o.Chat.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: found.Channel()})
	if err != nil {
		return found, err
	}
	if room.GetCreated() == 0 && room.GetMembers() == 0 {
		return found, errNoGroup
	}
	found.Name, found.Owner, found.created, found.modified = room.GetTitle(), room.GetCreatedBy(), room.GetCreated(), room.GetCreated()
	if found.Name == "" {
		found.Name = id
	}
	if raw, err := room.GetData().MarshalJSON(); err == nil {
		var data map[string]groupData
		if json.Unmarshal(raw, &data) == nil && data[dataKey].Owner != "" {
			found.Owner, found.Attributes = data[dataKey].Owner, data[dataKey].Attributes
		}
	}
	return found, t.readMembers(ctx, a, &found)
}

// membersAtOnce is how many members are read at a time.
const membersAtOnce = 1000

func (t *Timelines) readMembers(ctx context.Context, a chat.Actor, into *Group) error {
	q := &chatv1.MembersRequest{Room: into.Channel(), Limit: membersAtOnce}
	for {
		page, err := t.o.Chat.Members(ctx, a, q)
		if err != nil {
			return err
		}
		for _, m := range page.GetMembers() {
			into.Members = append(into.Members, m.GetUser())
			into.modified = max(into.modified, m.GetSince())
			if m.GetRole() == chatv1.Role_ROLE_OWNER {
				into.Owners = append(into.Owners, m.GetUser())
			}
		}
		if q.Cursor = page.GetCursor(); q.Cursor == "" {
			return nil
		}
	}
}

// Replay publishes to a new member what was said in a group before, oldest first.
func (t *Timelines) Replay(app string, in Group, member string, past []*chatv1.Message) {
	p := Place{User: member, With: in.ID, Group: true}
	for _, m := range past {
		s, ok := ofMessage(m)
		f := s.object(app, p)
		if !ok || attributesOf(f).HiddenFor == member {
			continue
		}
		var attributes map[string]json.RawMessage
		if json.Unmarshal(f["attributes"], &attributes) != nil || attributes == nil {
			attributes = map[string]json.RawMessage{}
		}
		attributes["sendnotification"] = json.RawMessage("false")
		f.with("attributes", attributes).with("__history", "true").with("status", statusDelivered)
		t.tellJSON(app, member, "messages/"+Level(in.ID)+"/clientadded", f)
	}
}
