package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt/chat21"
)

func (r *request) createGroup(ctx context.Context) (answer, error) {
	name := textOf(r.body, "group_name")
	var wanted map[string]json.RawMessage
	_ = json.Unmarshal(r.body["group_members"], &wanted)
	switch {
	case name == "":
		return answer{}, refuse405("group_name is mandatory")
	case wanted == nil:
		return answer{}, refuse405("group_members is mandatory")
	}
	g := chat21.Group{ID: textOf(r.body, "group_id"), Name: name, Owner: r.id.User, Attributes: r.body["attributes"]}
	if g.ID == "" {
		g.ID = chat21.GroupMark + uuid.NewString()
	}
	if owner := textOf(r.body, "group_owner"); owner != "" && r.id.Admin {
		g.Owner = owner
	}
	if !r.id.Admin {
		wanted[r.id.User] = nil
	}
	g.Members = namesOf(wanted)
	if err := r.api.o.Timelines.MakeGroup(ctx, r.actor(), g); err != nil {
		return answer{}, err
	}
	if err := r.inform(ctx, g, "Group created", chat21.Label{Key: "GROUP_CREATED", Parameters: object{"creator": g.Owner}}); err != nil {
		return answer{}, err
	}
	for _, member := range g.Members {
		if err := r.inform(ctx, g, member+" joined group on creation", chat21.Label{Key: "MEMBER_JOINED_GROUP", Parameters: contact(member)}); err != nil {
			return answer{}, err
		}
	}
	made, err := r.api.o.Timelines.Group(ctx, r.actor(), g.ID)
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusCreated, object{"success": true, "group": made.Document(r.app)}}, nil
}

// namesOf are the names in an object, in order.
func namesOf(members map[string]json.RawMessage) []string {
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *request) getGroup(ctx context.Context) (answer, error) {
	g, err := r.api.o.Timelines.Group(ctx, r.actor(), r.names[0])
	switch {
	case chat21.IsNotFound(err):
		return answer{}, errNoGroup
	case chat21.IsDenied(err):
		return answer{}, errDenied
	case err != nil:
		return answer{}, err
	}
	return result(g.Document(r.app))
}

var (
	errNoGroup = &refusal{answer{http.StatusNotFound, object{"success": false, "err": "Group doesn't exist"}}}

	errNotAllowed = refuseErr(object{"err": "Not allowed"})
	errNotFound   = refuseErr(object{"err": "Not found"})
	errMember     = refuseErr(object{"err": "Already a member"})
	errSame       = refuseErr(object{"message": "Same members in group, skipping setGroupMembers()"})
)

// refusedGroup is how chat21 says that somebody may not change a group, or that there is none.
func refusedGroup(err error) error {
	switch {
	case chat21.IsNotFound(err):
		return errNotFound
	case chat21.IsDenied(err):
		return errNotAllowed
	}
	return err
}

// seen is the group that the path names, as far as the caller may see it.
func (r *request) seen(ctx context.Context) (chat21.Group, error) {
	g, err := r.api.o.Timelines.Group(ctx, r.actor(), r.names[0])
	return g, refusedGroup(err)
}

func (r *request) addMember(ctx context.Context) (answer, error) {
	member := textOf(r.body, "member_id")
	if chat.CheckUser(member) != nil {
		return answer{}, refuse405("member_id is mandatory")
	}
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	if slices.Contains(g.Members, member) {
		return answer{}, errMember
	}
	if err := r.bring(ctx, g, member); err != nil {
		return answer{}, err
	}
	return done, r.tell(ctx, g, append(g.Members, member), &chat21.Label{Key: "MEMBER_JOINED_GROUP", Parameters: contact(member)})
}

// replayed is how many messages a new member of a group is given.
const replayed = 200

// bring makes a user a member, says so in the group, and gives the new member what was said there before, as far as the member may read it.
func (r *request) bring(ctx context.Context, g chat21.Group, member string) error {
	newest, err := r.api.o.Chat.Messages(ctx, r.server(), &chatv1.MessagesRequest{Room: g.Channel(), Limit: 1})
	if err != nil {
		return err
	}
	reply, err := r.api.o.Chat.Invite(ctx, r.actor(), &chatv1.InviteRequest{Room: g.Channel(), Users: []string{member}, Add: true})
	if err != nil {
		return refusedGroup(err)
	}
	if len(reply.GetMembers()) == 0 {
		return errNotAllowed // banned, or in as many rooms as may be
	}
	past, err := r.api.o.Chat.Messages(ctx, chat.Actor{App: r.app, User: member}, &chatv1.MessagesRequest{
		Room: g.Channel(), Before: newest.GetHead() + 1, Limit: replayed,
	})
	if err != nil {
		return err
	}
	if err := r.inform(ctx, g, member+" added to group", chat21.Label{Key: "MEMBER_JOINED_GROUP", Parameters: contact(member)}); err != nil {
		return err
	}
	r.api.o.Timelines.Replay(r.app, g, member, past.GetMessages())
	return nil
}

func (r *request) setMembers(ctx context.Context) (answer, error) {
	var wanted map[string]json.RawMessage
	if json.Unmarshal(r.body["members"], &wanted) != nil || wanted == nil {
		return answer{}, refuse405("members is mandatory")
	}
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	var added, gone []string
	for _, member := range namesOf(wanted) {
		if !slices.Contains(g.Members, member) {
			added = append(added, member)
		}
	}
	for _, member := range g.Members {
		if _, stays := wanted[member]; !stays {
			gone = append(gone, member)
		}
	}
	if len(added)+len(gone) == 0 {
		return answer{}, errSame
	}
	for _, member := range added {
		if err := r.bring(ctx, g, member); err != nil {
			return answer{}, err
		}
	}
	for _, member := range gone {
		if err := r.expel(ctx, g, member); err != nil {
			return answer{}, err
		}
	}
	return done, r.tell(ctx, g, g.Members, nil)
}

// expel ends a membership, the caller's own or another's. One that has ended meanwhile is no fault.
func (r *request) expel(ctx context.Context, g chat21.Group, member string) (err error) {
	if member == r.id.User && !r.id.Admin {
		_, err = r.api.o.Chat.Leave(ctx, r.own(), &chatv1.LeaveRequest{Room: g.Channel()})
	} else {
		_, err = r.api.o.Chat.Kick(ctx, r.actor(), &chatv1.KickRequest{Room: g.Channel(), User: member})
	}
	if chat21.IsNotFound(err) {
		return nil
	}
	return refusedGroup(err)
}

func (r *request) removeMember(ctx context.Context) (answer, error) {
	g, err := r.seen(ctx)
	member := r.names[1]
	switch {
	case err != nil:
		return answer{}, err
	case !slices.Contains(g.Members, member):
		return answer{}, errNotFound
	}
	if err := r.expel(ctx, g, member); err != nil {
		return answer{}, err
	}
	if err := r.inform(ctx, g, member+" removed from group", chat21.Label{Key: "MEMBER_LEFT_GROUP", Parameters: object{"member_id": member}}); err != nil {
		return answer{}, err
	}
	return done, r.tell(ctx, g, g.Members, &chat21.Label{Key: "MEMBER_LEFT_GROUP", Parameters: object{"member_id": member}})
}

func (r *request) renameGroup(ctx context.Context) (answer, error) {
	name := textOf(r.body, "group_name")
	if name == "" {
		return answer{}, refuse405("group_name is mandatory")
	}
	return r.change(ctx, func(g *chat21.Group) *chat21.Label {
		g.Name = name
		return &chat21.Label{Key: "DATA_UPDATED_GROUP", Parameters: object{"group_name": name}}
	})
}

func (r *request) setAttributes(ctx context.Context) (answer, error) {
	attributes := r.body["attributes"]
	if attributes == nil {
		return answer{}, refuse405("attributes is mandatory")
	}
	return r.change(ctx, func(g *chat21.Group) *chat21.Label {
		g.Attributes = attributes
		return &chat21.Label{Key: "ATTRIBUTES_UPDATED_GROUP", Parameters: object{"attributes": attributes}}
	})
}

// change changes what is said of a group, and tells its members.
func (r *request) change(ctx context.Context, to func(g *chat21.Group) *chat21.Label) (answer, error) {
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	change := to(&g)
	data, err := g.Data()
	if err != nil {
		return answer{}, err
	}
	if _, err := r.api.o.Chat.UpdateRoom(ctx, r.actor(), &chatv1.UpdateRoomRequest{Room: g.Channel(), Title: &g.Name, Data: data}); err != nil {
		return answer{}, refusedGroup(err)
	}
	return done, r.tell(ctx, g, g.Members, change)
}

// inform says something in a group as the system.
func (r *request) inform(ctx context.Context, g chat21.Group, words string, label chat21.Label) error {
	return r.api.o.Timelines.Inform(ctx, r.app, g.ID, words, label)
}

// tell tells users how the group is now, and what has changed of it, if that is given.
func (r *request) tell(ctx context.Context, g chat21.Group, users []string, change *chat21.Label) error {
	return r.api.o.Timelines.TellGroup(ctx, r.app, g.ID, users, change)
}

// contact is what is known of a user, which is the id.
func contact(user string) object {
	return object{"member_id": user, "fullname": user, "firstname": "", "lastname": ""}
}

// wipeConversations takes a group's conversation off its members' lists until something new is said. That is for owners and administrators.
func (r *request) wipeConversations(ctx context.Context) (answer, error) {
	g, err := r.seen(ctx)
	switch {
	case err != nil:
		return answer{}, err
	case !r.id.Admin && !slices.Contains(g.Owners, r.id.User):
		return answer{}, errNotAllowed
	}
	return done, r.api.o.Timelines.Hide(ctx, r.server(), g)
}

// wipeMessages deletes what was said in a group. If that takes too long, the same request goes on.
func (r *request) wipeMessages(ctx context.Context) (answer, error) {
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	return done, refusedGroup(r.api.o.Timelines.Wipe(ctx, r.actor(), g))
}
