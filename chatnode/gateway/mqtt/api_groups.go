package mqtt

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/google/uuid"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/chat"
)

func (r *request) createGroup(ctx context.Context) (answer, error) {
	name := r.body.text("group_name")
	var wanted map[string]json.RawMessage
	_ = json.Unmarshal(r.body["group_members"], &wanted)
	switch {
	case name == "":
		return answer{}, refuse405("group_name is mandatory")
	case wanted == nil:
		return answer{}, refuse405("group_members is mandatory")
	}
	g := group{id: r.body.text("group_id"), name: name, owner: r.id.user, attributes: r.body["attributes"]}
	if g.id == "" {
		g.id = groupMark + uuid.NewString()
	}
	if owner := r.body.text("group_owner"); owner != "" && r.id.admin {
		g.owner = owner
	}
	if !r.id.admin {
		wanted[r.id.user] = nil
	}
	g.members = namesOf(wanted)
	if err := r.makeGroup(ctx, g); err != nil {
		return answer{}, err
	}
	if err := r.inform(ctx, g.id, "Group created", "GROUP_CREATED", object{"creator": g.owner}); err != nil {
		return answer{}, err
	}
	for _, member := range g.members {
		if err := r.inform(ctx, g.id, member+" joined group on creation", "MEMBER_JOINED_GROUP", contact(member)); err != nil {
			return answer{}, err
		}
	}
	made, err := r.g.group(ctx, r.actor(), g.id)
	if err != nil {
		return answer{}, err
	}
	return answer{http.StatusCreated, object{"success": true, "group": made.document(r.app)}}, nil
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

// makeGroup makes a room for a group, of which its owner is the owner in chat too.
func (r *request) makeGroup(ctx context.Context, wanted group) error {
	data, err := wanted.data()
	if err != nil {
		return err
	}
	_, err = r.g.options.Chat.CreateRoom(ctx, r.actor(), &chatv1.CreateRoomRequest{
		Room: wanted.channel(), Kind: chatv1.RoomKind_ROOM_KIND_GROUP, Title: wanted.name, Data: data, Members: wanted.members,
	})
	if err != nil || !r.id.admin || !slices.Contains(wanted.members, wanted.owner) {
		return err
	}
	_, err = r.g.options.Chat.SetRole(ctx, r.actor(), &chatv1.SetRoleRequest{
		Room: wanted.channel(), User: wanted.owner, Role: chatv1.Role_ROLE_OWNER,
	})
	return err
}

func (r *request) getGroup(ctx context.Context) (answer, error) {
	g, err := r.g.group(ctx, r.actor(), r.names[0])
	switch {
	case notFound(err):
		return answer{}, errNoSuchGroup
	case denied(err):
		return answer{}, errDenied
	case err != nil:
		return answer{}, err
	}
	return result(g.document(r.app))
}

var (
	errNoSuchGroup = &refusal{answer{http.StatusNotFound, object{"success": false, "err": "Group doesn't exist"}}}

	errNotAllowed = refuseErr(object{"err": "Not allowed"})
	errNotFound   = refuseErr(object{"err": "Not found"})
	errMember     = refuseErr(object{"err": "Already a member"})
	errSame       = refuseErr(object{"message": "Same members in group, skipping setGroupMembers()"})
)

// refusedGroup is how chat21 says that somebody may not change a group, or that there is none.
func refusedGroup(err error) error {
	switch {
	case notFound(err):
		return errNotFound
	case denied(err):
		return errNotAllowed
	}
	return err
}

// seen is the group that the path names, as far as the caller may see it.
func (r *request) seen(ctx context.Context) (group, error) {
	g, err := r.g.group(ctx, r.actor(), r.names[0])
	return g, refusedGroup(err)
}

func (r *request) addMember(ctx context.Context) (answer, error) {
	member := r.body.text("member_id")
	if chat.CheckUser(member) != nil {
		return answer{}, refuse405("member_id is mandatory")
	}
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	if slices.Contains(g.members, member) {
		return answer{}, errMember
	}
	if err := r.bring(ctx, g, member); err != nil {
		return answer{}, err
	}
	note := notification("MEMBER_JOINED_GROUP", contact(member))
	return done, r.tellGroup(ctx, g.id, append(g.members, member), note)
}

// bring makes a user a member, says so in the group, and gives the new member what was said there before, as far as the member may read it.
func (r *request) bring(ctx context.Context, g group, member string) error {
	newest, err := r.g.options.Chat.Messages(ctx, r.server(), &chatv1.MessagesRequest{Room: g.channel(), Limit: 1})
	if err != nil {
		return err
	}
	reply, err := r.g.options.Chat.Invite(ctx, r.actor(), &chatv1.InviteRequest{Room: g.channel(), Users: []string{member}, Add: true})
	if err != nil {
		return refusedGroup(err)
	}
	if len(reply.GetMembers()) == 0 {
		return errNotAllowed // banned, or in as many rooms as may be
	}
	past, err := r.g.options.Chat.Messages(ctx, chat.Actor{App: r.app, User: member}, &chatv1.MessagesRequest{
		Room: g.channel(), Before: newest.GetHead() + 1, Limit: pageMessages,
	})
	if err != nil {
		return err
	}
	if err := r.inform(ctx, g.id, member+" added to group", "MEMBER_JOINED_GROUP", contact(member)); err != nil {
		return err
	}
	r.g.replay(r.app, g, member, past.GetMessages())
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
		if !slices.Contains(g.members, member) {
			added = append(added, member)
		}
	}
	for _, member := range g.members {
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
	return done, r.tellGroup(ctx, g.id, g.members, nil)
}

// expel ends a membership, the caller's own or another's. One that has ended meanwhile is no fault.
func (r *request) expel(ctx context.Context, g group, member string) (err error) {
	if member == r.id.user && !r.id.admin {
		_, err = r.g.options.Chat.Leave(ctx, r.own(), &chatv1.LeaveRequest{Room: g.channel()})
	} else {
		_, err = r.g.options.Chat.Kick(ctx, r.actor(), &chatv1.KickRequest{Room: g.channel(), User: member})
	}
	if notFound(err) {
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
	case !slices.Contains(g.members, member):
		return answer{}, errNotFound
	}
	if err := r.expel(ctx, g, member); err != nil {
		return answer{}, err
	}
	if err := r.inform(ctx, g.id, member+" removed from group", "MEMBER_LEFT_GROUP", object{"member_id": member}); err != nil {
		return answer{}, err
	}
	return done, r.tellGroup(ctx, g.id, g.members, notification("MEMBER_LEFT_GROUP", object{"member_id": member}))
}

func (r *request) renameGroup(ctx context.Context) (answer, error) {
	name := r.body.text("group_name")
	if name == "" {
		return answer{}, refuse405("group_name is mandatory")
	}
	return r.change(ctx, func(g *group) object {
		g.name = name
		return notification("DATA_UPDATED_GROUP", object{"group_name": name})
	})
}

func (r *request) setAttributes(ctx context.Context) (answer, error) {
	attributes := r.body["attributes"]
	if attributes == nil {
		return answer{}, refuse405("attributes is mandatory")
	}
	return r.change(ctx, func(g *group) object {
		g.attributes = attributes
		return notification("ATTRIBUTES_UPDATED_GROUP", object{"attributes": attributes})
	})
}

// change changes what is said of a group, and tells its members.
func (r *request) change(ctx context.Context, to func(g *group) object) (answer, error) {
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	note := to(&g)
	data, err := g.data()
	if err != nil {
		return answer{}, err
	}
	if _, err := r.g.options.Chat.UpdateRoom(ctx, r.actor(), &chatv1.UpdateRoomRequest{Room: g.channel(), Title: &g.name, Data: data}); err != nil {
		return answer{}, refusedGroup(err)
	}
	return done, r.tellGroup(ctx, g.id, g.members, note)
}

// inform says something in a group as the system.
func (r *request) inform(ctx context.Context, id, words, key string, parameters object) error {
	payload, err := json.Marshal(object{
		"text": words, "type": "text", "channel_type": channelGroup, "sender_fullname": systemFullname, "recipient_fullname": id,
		"attributes": object{"subtype": "info", "updateconversation": true, "messagelabel": object{"key": key, "parameters": parameters}},
	})
	if err != nil {
		return err
	}
	return r.g.send(ctx, chat.Actor{App: r.app, User: system, Server: true}, id, payload, nil)
}

// tellGroup publishes a group to users, with what has changed of it, if that is given.
func (r *request) tellGroup(ctx context.Context, id string, users []string, note object) error {
	g, err := r.g.group(ctx, r.server(), id)
	if err != nil {
		return err
	}
	document := g.document(r.app)
	if note != nil {
		document["notification"] = note
	}
	for _, user := range users {
		r.g.tellJSON(r.app, user, "groups/"+level(id)+"/clientupdated", document)
	}
	return nil
}

func notification(key string, parameters object) object {
	return object{"messagelabel": object{"key": key, "parameters": parameters}}
}

// contact is what is known of a user, which is the id.
func contact(user string) object {
	return object{"member_id": user, "fullname": user, "firstname": "", "lastname": ""}
}

var errNoGroup = &chat.Error{Kind: chat.NotFound, Message: "there is no such group"}

// wipeConversations takes a group's conversation off its members' lists until something new is said. That is for owners and administrators.
func (r *request) wipeConversations(ctx context.Context) (answer, error) {
	g, err := r.seen(ctx)
	switch {
	case err != nil:
		return answer{}, err
	case !r.id.admin && !slices.Contains(g.owners, r.id.user):
		return answer{}, errNotAllowed
	}
	last, err := r.g.newestOf(ctx, r.server(), place{with: g.id, group: true})
	if err != nil {
		return answer{}, err
	}
	for _, member := range g.members {
		err := r.g.keep(ctx, chat.Actor{App: r.app, User: member}, g.id, func(k *keptRow) error {
			k.Hidden = last.GetOffset()
			return nil
		})
		if err != nil {
			return answer{}, err
		}
	}
	return done, nil
}

// wipeMessages deletes what was said in a group, the newest first, as the caller, who has to be allowed to delete what others said. If that
// takes too long, the same request goes on.
func (r *request) wipeMessages(ctx context.Context) (answer, error) {
	g, err := r.seen(ctx)
	if err != nil {
		return answer{}, err
	}
	q := &chatv1.MessagesRequest{Room: g.channel(), Limit: pageMessages}
	for {
		page, err := r.g.options.Chat.Messages(ctx, r.actor(), q)
		if err != nil {
			return answer{}, refusedGroup(err)
		}
		for _, m := range page.GetMessages() {
			if m.GetDeleted() {
				continue
			}
			_, err := r.g.options.Chat.Delete(ctx, r.actor(), &chatv1.DeleteRequest{Room: g.channel(), Id: uuid.Must(uuid.NewV7()).String(), Offset: m.GetOffset()})
			if err != nil && !notFound(err) {
				return answer{}, refusedGroup(err)
			}
		}
		if !page.GetMore() || len(page.GetMessages()) == 0 {
			return done, nil
		}
		q.Before = page.GetMessages()[0].GetOffset()
	}
}
