package mqtt

import (
	"context"
	"encoding/json"

	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

// group is a room as chat21 has it.
type group struct {
	id, name, owner string
	attributes      json.RawMessage
	members         []string
	// owners are the members who own the room in chat.
	owners            []string
	created, modified int64
}

func (g *group) channel() string { return roomPrefix + g.id }

// document is the group as clients get it.
func (g *group) document(app string) object {
	members := object{}
	for _, member := range g.members {
		members[member] = 1
	}
	d := object{
		"_id": g.id, "uid": g.id, "name": g.name, "appId": app, "owner": g.owner, "members": members,
		"createdOn": g.created, "updatedOn": g.modified,
	}
	if len(g.attributes) > 0 {
		d["attributes"] = g.attributes
	}
	return d
}

// groupData is what of a group is kept in a room's data, below dataKey.
type groupData struct {
	Owner      string          `json:"owner"`
	Attributes json.RawMessage `json:"attributes,omitempty"`
}

func (g *group) data() (*structpb.Struct, error) {
	raw, err := json.Marshal(map[string]groupData{dataKey: {g.owner, g.attributes}})
	if err != nil {
		return nil, err
	}
	data := &structpb.Struct{}
	return data, data.UnmarshalJSON(raw)
}

// group reads one, with all its members, for whoever may see them. Errors: NotFound and others of chat.
func (g *Gateway) group(ctx context.Context, a chat.Actor, id string) (group, error) {
	found := group{id: id}
	room, err := g.options.Chat.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: found.channel()})
	if err != nil {
		return found, err
	}
	if room.GetCreated() == 0 && room.GetMembers() == 0 {
		return found, errNoGroup
	}
	found.name, found.owner, found.created, found.modified = room.GetTitle(), room.GetCreatedBy(), room.GetCreated(), room.GetCreated()
	if found.name == "" {
		found.name = id
	}
	if raw, err := room.GetData().MarshalJSON(); err == nil {
		var data map[string]groupData
		if json.Unmarshal(raw, &data) == nil && data[dataKey].Owner != "" {
			found.owner, found.attributes = data[dataKey].Owner, data[dataKey].Attributes
		}
	}
	return found, g.readMembers(ctx, a, &found)
}

// membersAtOnce is how many members are read at a time.
const membersAtOnce = 1000

func (g *Gateway) readMembers(ctx context.Context, a chat.Actor, into *group) error {
	q := &chatv1.MembersRequest{Room: into.channel(), Limit: membersAtOnce}
	for {
		page, err := g.options.Chat.Members(ctx, a, q)
		if err != nil {
			return err
		}
		for _, m := range page.GetMembers() {
			into.members = append(into.members, m.GetUser())
			into.modified = max(into.modified, m.GetSince())
			if m.GetRole() == chatv1.Role_ROLE_OWNER {
				into.owners = append(into.owners, m.GetUser())
			}
		}
		if q.Cursor = page.GetCursor(); q.Cursor == "" {
			return nil
		}
	}
}

// replay publishes to a new member what was said in a group before, oldest first.
func (g *Gateway) replay(app string, in group, member string, past []*chatv1.Message) {
	p := place{user: member, with: in.id, group: true}
	for _, m := range past {
		s, ok := ofMessage(m)
		f := s.object(app, p)
		if !ok || attributesOf(f).hiddenFor == member {
			continue
		}
		var attributes map[string]json.RawMessage
		if json.Unmarshal(f["attributes"], &attributes) != nil || attributes == nil {
			attributes = map[string]json.RawMessage{}
		}
		attributes["sendnotification"] = json.RawMessage("false")
		f.with("attributes", attributes).with("__history", "true").with("status", statusDelivered)
		g.tellJSON(app, member, "messages/"+level(in.id)+"/clientadded", f)
	}
}
