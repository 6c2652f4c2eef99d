package chat

import (
	"slices"
	"strings"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// cells is the whole table of rights, written out: who may do that, by the kind of room. Of a direct conversation, "member" is each of its
// two users.
var cells = []struct {
	right                        string
	group, open, channel, direct string
}{
	{"look at the room",
		"invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"member server"},
	{"read",
		"reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"member server"},
	{"write",
		"member moderator owner server",
		"stranger invited member moderator owner server",
		"moderator owner server",
		"member server"},
	{"react",
		"member moderator owner server",
		"stranger invited member moderator owner server",
		"member moderator owner server",
		"member server"},
	{"delete",
		"member moderator owner server",
		"stranger invited member moderator owner server",
		"moderator owner server",
		"member server"},
	{"moderate",
		"moderator owner server",
		"moderator owner server",
		"moderator owner server",
		"server"},
	{"see members",
		"reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"reader member moderator owner server",
		"member server"},
	{"join",
		"invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		""},
	{"leave",
		"stranger invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		"stranger invited reader member moderator owner server",
		""},
	{"invite",
		"member moderator owner server",
		"member moderator owner server",
		"moderator owner server",
		""},
	{"add members",
		"moderator owner server",
		"moderator owner server",
		"moderator owner server",
		""},
	{"expel",
		"moderator owner server",
		"moderator owner server",
		"moderator owner server",
		""},
	{"set roles",
		"owner server",
		"owner server",
		"owner server",
		""},
	{"change settings",
		"owner server",
		"owner server",
		"owner server",
		"server"},
	{"delete the room",
		"owner server",
		"owner server",
		"owner server",
		"server"},
}

// standings are the places at which somebody can stand to a room of a kind, by their names.
func standings(kind chatv1.RoomKind) map[string]*standing {
	room := record[roomRecord]{roomRecord{Kind: kind, Created: 1}, 1}
	feed := testFeed("room:a")
	if kind == direct {
		feed = testFeed("dm:ann,bob")
		return map[string]*standing{
			"member": {actor: ann, feed: feed, other: "bob", room: room},
			"server": {actor: theServer, feed: feed, other: "bob", room: room},
		}
	}
	of := func(m chatv1.Membership, role chatv1.Role) *standing {
		return &standing{actor: ann, feed: feed, room: room, member: record[memberRecord]{memberRecord{Membership: m, Role: role}, 1}}
	}
	return map[string]*standing{
		"stranger":  {actor: ann, feed: feed, room: room},
		"invited":   of(invitedTo, chatv1.Role_ROLE_OWNER),
		"banned":    of(bannedFrom, chatv1.Role_ROLE_OWNER),
		"reader":    of(joined, chatv1.Role_ROLE_READER),
		"member":    of(joined, chatv1.Role_ROLE_MEMBER),
		"moderator": of(joined, chatv1.Role_ROLE_MODERATOR),
		"owner":     of(joined, chatv1.Role_ROLE_OWNER),
		"server":    {actor: theServer, feed: feed, room: room},
	}
}

func TestEveryRightIsGivenToWhomItShould(t *testing.T) {
	if len(cells) != int(rightsEnd) {
		t.Fatalf("%d rights are written down, there are %d", len(cells), rightsEnd)
	}
	for i, cell := range cells {
		r := right(i)
		if r.String() != cell.right {
			t.Fatalf("right %d is to %s, and not to %s", r, r, cell.right)
		}
		for kind, want := range map[chatv1.RoomKind]string{group: cell.group, open: cell.open, channel: cell.channel, direct: cell.direct} {
			places := standings(kind)
			for place, st := range places {
				err := st.may(r, time.Now())
				if want := slices.Contains(strings.Fields(want), place); want != (err == nil) {
					t.Errorf("as %s to %s in a room of kind %s: %v", place, r, kind, err)
				}
				if err != nil && kindOf(t, err) != Denied {
					t.Errorf("as %s to %s in a room of kind %s: %v is no refusal", place, r, kind, err)
				}
			}
		}
	}
}

func TestWhatChangesRightsBesideKindAndPlace(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		kind   chatv1.RoomKind
		place  string
		change func(st *standing)
		// lost and won are the rights that change with it.
		lost, won []right
	}{
		"a group that everybody may join": {group, "stranger",
			func(st *standing) { st.room.value.Join = chatv1.JoinPolicy_JOIN_POLICY_OPEN }, nil, []right{toLook, toJoin}},
		"an open room by invitation": {open, "stranger",
			func(st *standing) { st.room.value.Join = chatv1.JoinPolicy_JOIN_POLICY_INVITE }, []right{toJoin}, nil},
		"an open room by invitation, to which one is invited": {open, "invited",
			func(st *standing) { st.room.value.Join = chatv1.JoinPolicy_JOIN_POLICY_INVITE }, nil, nil},
		"a channel by invitation": {channel, "stranger",
			func(st *standing) { st.room.value.Join = chatv1.JoinPolicy_JOIN_POLICY_INVITE }, []right{toJoin}, nil},
		"an archived room": {group, "owner",
			func(st *standing) { st.room.value.Archived = true }, []right{toWrite, toReact, toInvite, toAdd, toJoin}, nil},
		"an archived room, for servers": {group, "server",
			func(st *standing) { st.room.value.Archived = true }, []right{toWrite, toReact, toInvite, toAdd, toJoin}, nil},
		"an archived conversation": {direct, "member",
			func(st *standing) { st.room.value.Archived = true }, []right{toWrite, toReact}, nil},
		"muted": {group, "member",
			func(st *standing) { st.member.value.MutedUntil = millis(now) + 1 }, []right{toWrite, toReact}, nil},
		"muted until now": {group, "member",
			func(st *standing) { st.member.value.MutedUntil = millis(now) }, nil, nil},
		"muted as a stranger": {open, "stranger",
			func(st *standing) { st.member.value.MutedUntil = millis(now) + 1 }, []right{toWrite, toReact}, nil},
		"blocked": {direct, "member",
			func(st *standing) { st.blocked = true }, []right{toWrite}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := standings(c.kind)[c.place], standings(c.kind)[c.place]
			c.change(after)
			for r := right(0); r < rightsEnd; r++ {
				had, has := before.may(r, now) == nil, after.may(r, now)
				want := (had || slices.Contains(c.won, r)) && !slices.Contains(c.lost, r)
				if (has == nil) != want {
					t.Errorf("to %s: %v, before %v", r, has, had)
				}
			}
			for _, r := range append(c.lost, c.won...) {
				if had := before.may(r, now) == nil; had == slices.Contains(c.won, r) {
					t.Errorf("to %s was %v before", r, had)
				}
			}
		})
	}
}

func TestNobodyMayDoAnythingInADeletedRoom(t *testing.T) {
	for _, kind := range []chatv1.RoomKind{group, open, channel, direct} {
		for place, st := range standings(kind) {
			st.room.value.Deleted = true
			for r := right(0); r < rightsEnd; r++ {
				if err := st.may(r, time.Now()); err == nil || kindOf(t, err) != NotFound {
					t.Errorf("as %s to %s in a room of kind %s: %v", place, r, kind, err)
				}
			}
		}
	}
}
