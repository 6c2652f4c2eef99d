package chat

import (
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// right is something that one may be allowed to do in a room.
type right uint8

// The rights.
const (
	// toLook is to see a room's settings.
	toLook right = iota
	toRead
	toWrite
	toReact
	// toDelete is for one's own messages, toModerate for those of others.
	toDelete
	toModerate
	toSeeMembers
	toJoin
	toLeave
	toInvite
	// toAdd makes others members without asking them.
	toAdd
	// toExpel is to kick, ban and mute those of a lesser role.
	toExpel
	toSetRole
	toUpdate
	toRemove
	rightsEnd
)

var rightNames = [rightsEnd]string{
	"look at the room", "read", "write", "react", "delete", "moderate", "see members", "join", "leave", "invite", "add members", "expel", "set roles", "change settings", "delete the room",
}

// String says what the right is to do.
func (r right) String() string { return rightNames[r] }

// place is how somebody stands to a room, as the table of rights knows it.
type place uint8

// The places.
const (
	stranger place = iota
	invited
	banned
	reader
	member
	moderator
	owner
	server
	placesEnd
)

var placeNames = [placesEnd]string{"stranger", "invited", "banned", "reader", "member", "moderator", "owner", "server"}

// String is the place's name.
func (p place) String() string { return placeNames[p] }

// who is a set of places.
type who uint16

func those(places ...place) (w who) {
	for _, p := range places {
		w |= 1 << p
	}
	return w
}

var (
	nobody     = those()
	onlyServer = those(server)
	owners     = those(owner, server)
	moderators = owners | those(moderator)
	writers    = moderators | those(member)
	members    = writers | those(reader)
	pair       = those(member, server)
	everybody  = members | those(stranger, invited)
)

// table is the one place where rights are given: right by right and room kind by room kind. The two users of a direct conversation stand
// as members to it.
var table = [rightsEnd]map[chatv1.RoomKind]who{
	toLook:       {group: members | those(invited), open: everybody, channel: everybody, direct: pair},
	toRead:       {group: members, open: everybody, channel: everybody, direct: pair},
	toWrite:      {group: writers, open: everybody &^ those(reader), channel: moderators, direct: pair},
	toReact:      {group: writers, open: everybody &^ those(reader), channel: writers, direct: pair},
	toDelete:     {group: writers, open: everybody &^ those(reader), channel: moderators, direct: pair},
	toModerate:   {group: moderators, open: moderators, channel: moderators, direct: onlyServer},
	toSeeMembers: {group: members, open: everybody, channel: members, direct: pair},
	toJoin:       {group: members | those(invited), open: everybody, channel: everybody, direct: nobody},
	toLeave:      {group: everybody, open: everybody, channel: everybody, direct: nobody},
	toInvite:     {group: writers, open: writers, channel: moderators, direct: nobody},
	toAdd:        {group: moderators, open: moderators, channel: moderators, direct: nobody},
	toExpel:      {group: moderators, open: moderators, channel: moderators, direct: nobody},
	toSetRole:    {group: owners, open: owners, channel: owners, direct: nobody},
	toUpdate:     {group: owners, open: owners, channel: owners, direct: onlyServer},
	toRemove:     {group: owners, open: owners, channel: owners, direct: onlyServer},
}

// Short names of the kinds.
const (
	direct  = chatv1.RoomKind_ROOM_KIND_DIRECT
	group   = chatv1.RoomKind_ROOM_KIND_GROUP
	open    = chatv1.RoomKind_ROOM_KIND_OPEN
	channel = chatv1.RoomKind_ROOM_KIND_CHANNEL
)

// welcome are the rights that everybody has in a room whose settings let everybody join.
var welcome = map[right]bool{toLook: true, toJoin: true}

// frozen are the rights that end with the archiving of a room.
var frozen = map[right]bool{toWrite: true, toReact: true, toInvite: true, toAdd: true, toJoin: true}

// may says whether the actor may do that, with the reason if not.
func (st *standing) may(r right, now time.Time) error {
	p := st.place()
	switch {
	case st.room.value.Deleted:
		return failf(NotFound, "%s is deleted", Channel(st.feed))
	case p == banned:
		return failf(Denied, "you are banned from %s", Channel(st.feed))
	case table[r][st.kind()]&(1<<p) == 0 && !(welcome[r] && st.room.value.Join == chatv1.JoinPolicy_JOIN_POLICY_OPEN):
		return st.refuse(r, p)
	case r == toJoin && p == stranger && st.room.value.Join == chatv1.JoinPolicy_JOIN_POLICY_INVITE:
		return failf(Denied, "%s is joined by invitation", Channel(st.feed))
	case frozen[r] && st.room.value.Archived:
		return failf(Denied, "%s is archived", Channel(st.feed))
	case (r == toWrite || r == toReact) && st.mutedUntil(now) > 0:
		return failf(Denied, "you are muted in %s until %s", Channel(st.feed), time.UnixMilli(st.mutedUntil(now)).UTC().Format(time.RFC3339))
	case r == toWrite && st.blocked:
		return failf(Denied, "this user takes no messages from you")
	}
	return nil
}

// refuse says what would be needed.
func (st *standing) refuse(r right, p place) error {
	name := Channel(st.feed)
	switch {
	case st.kind() == direct && p == stranger:
		return failf(Denied, "a direct channel is for its two users")
	case st.kind() == direct:
		return failf(Denied, "a direct conversation has two equal members: nobody may %s there", r)
	case p == stranger && st.kind() == group:
		return failf(Denied, "%s is for its members; ask one for an invitation", name)
	case p == invited:
		return failf(Denied, "you are invited to %s and not a member yet: join it", name)
	}
	return failf(Denied, "as %s you may not %s in %s", p, r, name)
}

func (st *standing) mutedUntil(now time.Time) int64 {
	if until := st.member.value.MutedUntil; until > now.UnixMilli() && !st.actor.Server {
		return until
	}
	return 0
}
