package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/structpb"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Bounds of a room's settings.
const (
	maxTitle     = 255     // bytes
	maxRoomData  = 4 << 10 // bytes of JSON
	maxRetention = 100 * 365 * 24 * time.Hour
	// lookBack is how many messages of a room that nobody made are looked at before somebody may make it.
	lookBack = 50
)

// CreateRoom makes a room; the user who makes it becomes its owner. A room that a server makes for no user has no owner: servers govern it,
// until one of them makes a member owner. A retry with the same room and settings by its creator answers the same.
//
// The name of a room in which people have talked, or that somebody has joined, though nobody made it, can be taken by a server only: a
// user must not become the owner of what others said. The name of a deleted room is free again as soon as nothing of it is left.
//
// Errors: Invalid, Denied, Conflict (it is there already), Limit, Unavailable.
func (s *Service) CreateRoom(ctx context.Context, a Actor, q *chatv1.CreateRoomRequest) (*chatv1.Room, error) {
	name := q.GetRoom()
	if name == "" {
		id, err := uuid.NewRandom()
		if err != nil {
			return nil, fromLog(err)
		}
		name = roomPrefix + id.String()
	}
	st, err := s.stranger(a, name)
	if err != nil {
		return nil, err
	}
	if st.other != "" {
		return s.createDirect(ctx, a, name, q)
	}
	var users []string
	if len(q.GetMembers()) > 0 {
		if users, err = distinct(q.GetMembers(), maxInvited); err != nil {
			return nil, err
		}
	}
	wanted, err := s.settingsOf(a, q)
	if err != nil {
		return nil, err
	}
	if !a.Server {
		if ok, err := s.mayHold(ctx, a.App, a.User); err != nil || !ok {
			return nil, cmpErr(err, failf(Limit, "you are in as many rooms as you may be: %d; leave one first", s.limits.RoomsPerUser))
		}
	}
	if st.room, err = s.claim(ctx, &st, wanted); err != nil {
		return nil, err
	}
	if err := s.furnish(ctx, &st, users); err != nil {
		return nil, err
	}
	return s.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: name})
}

// cmpErr gives the first of two errors that is one.
func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// createDirect puts a direct conversation on the lists of its users.
func (s *Service) createDirect(ctx context.Context, a Actor, name string, q *chatv1.CreateRoomRequest) (*chatv1.Room, error) {
	switch {
	case q.GetKind() != chatv1.RoomKind_ROOM_KIND_UNSPECIFIED && q.GetKind() != direct:
		return nil, failf(Invalid, "a dm: channel is of kind direct; a group is a room:")
	case q.GetTitle() != "" || q.GetData() != nil || q.GetJoin() != 0 || q.GetHistory() != 0 || q.GetRetentionSeconds() != 0 || len(q.GetMembers()) > 0:
		return nil, failf(Invalid, "a direct conversation has no settings and no other members; make a room: for that")
	}
	st, err := s.fresh(ctx, a, name, toWrite)
	if err != nil {
		return nil, err
	}
	if !st.room.exists() {
		if err := s.meet(ctx, &st); err != nil {
			return nil, err
		}
	}
	return s.GetRoom(ctx, a, &chatv1.GetRoomRequest{Room: name})
}

// settingsOf are the settings of a room that is to be made.
func (s *Service) settingsOf(a Actor, q *chatv1.CreateRoomRequest) (roomRecord, error) {
	r := roomRecord{
		Kind: q.GetKind(), Title: q.GetTitle(), Join: q.GetJoin(), History: q.GetHistory(), Retention: q.GetRetentionSeconds(),
		Created: millis(s.options.Now()), CreatedBy: a.User,
	}
	r.Changed = r.Created
	switch r.Kind {
	case chatv1.RoomKind_ROOM_KIND_UNSPECIFIED:
		r.Kind = group
	case group, open, channel:
	case direct:
		return r, failf(Invalid, "a direct conversation is named dm:A,B")
	default:
		return r, failf(Invalid, "there is no such kind: they are group, open and channel")
	}
	if !a.Server {
		r.Owners = []string{a.User}
	}
	var err error
	if r.Data, err = roomData(q.GetData()); err != nil {
		return r, err
	}
	return r, r.check()
}

// check refuses settings that can't be right.
func (r *roomRecord) check() error {
	switch {
	case len(r.Title) > maxTitle:
		return failf(Invalid, "a title has at most %d bytes", maxTitle)
	case chatv1.JoinPolicy_name[int32(r.Join)] == "":
		return failf(Invalid, "there is no such join policy: they are open and invite")
	case chatv1.HistoryPolicy_name[int32(r.History)] == "":
		return failf(Invalid, "there is no such history policy: they are all and since_joined")
	case r.Retention < 0 || r.Retention > int64(maxRetention/time.Second):
		return failf(Invalid, "retention_seconds is 0, to keep messages, to %d", int64(maxRetention/time.Second))
	}
	return CheckUTF8(r.Title)
}

// roomData writes an application's data in one canonical way; nothing if it is empty.
func roomData(data *structpb.Struct) (json.RawMessage, error) {
	if len(data.GetFields()) == 0 {
		return nil, nil
	}
	raw, err := json.Marshal(data.AsMap())
	if err != nil || len(raw) > maxRoomData || deep(raw) {
		return nil, failf(Invalid, "a room's data is JSON of at most %d bytes, nested at most %d deep", maxRoomData, maxDepth)
	}
	return raw, nil
}

// same says whether two rooms were made by the same user in the same way.
func (r *roomRecord) same(o *roomRecord) bool {
	return r.Kind == o.Kind && r.Title == o.Title && bytes.Equal(r.Data, o.Data) && r.Join == o.Join && r.History == o.History &&
		r.Retention == o.Retention && r.CreatedBy == o.CreatedBy && r.Archived == o.Archived
}

// claim writes the room's record, if the name is free or the room is the one that an earlier attempt has made.
func (s *Service) claim(ctx context.Context, st *standing, wanted roomRecord) (record[roomRecord], error) {
	room, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(st.feed), func(r *record[roomRecord]) error {
		now := &r.value
		switch {
		case now.Gone:
			if err := s.clear(ctx, st.feed, ""); err != nil { // of whoever came in while it was being deleted
				return err
			}
		case now.Deleted:
			return failf(Conflict, "%s is being deleted; try again later", Channel(st.feed))
		case r.exists() && now.Created > 0:
			if !now.same(&wanted) {
				return failf(Conflict, "%s is there already; choose another name, or leave it empty", Channel(st.feed))
			}
			return errKeep
		case !st.actor.Server:
			if err := s.unused(ctx, st.feed, r.exists()); err != nil {
				return err
			}
		}
		if !r.exists() {
			if err := s.mayMake(ctx, st.feed); err != nil {
				return err
			}
		}
		next := wanted
		if !now.Gone { // of a room that nobody made, a server may have made owners
			next.Owners = slices.Compact(slices.Sorted(slices.Values(slices.Concat(wanted.Owners, now.Owners))))
		}
		next.Begins = now.Begins
		r.value = next
		return nil
	})
	s.rooms.forget(roomKey(st.feed))
	return room, err
}

// unused says whether a user may make a room of that name.
func (s *Service) unused(ctx context.Context, feed backbone.Feed, entered bool) error {
	view, err := s.log.Messages(ctx, feed, backbone.MessagesQuery{Limit: lookBack})
	if err != nil {
		return fromLog(err)
	}
	talked := slices.ContainsFunc(view.Entries, func(e backbone.Entry) bool { return e.Message != nil && e.Deleted == nil })
	if entered || talked {
		return failf(Conflict, "%s is in use as an open room; choose another name, or leave it empty", Channel(feed))
	}
	return nil
}

// furnish does what follows from a room's record: its owner, the event, its members. A room that is older was furnished long ago.
func (s *Service) furnish(ctx context.Context, st *standing, users []string) error {
	room := st.room.value
	if room.Created < millis(s.options.Now().Add(-redo)) {
		return nil
	}
	head, err := s.head(ctx, st.feed)
	if err != nil {
		return err
	}
	if slices.Contains(room.Owners, st.actor.User) && !st.actor.Server {
		_, err := s.settle(ctx, st, st.actor.User, nowJoined, func(m *memberRecord) error {
			if m.Membership != joined {
				s.become(m, joined, chatv1.Role_ROLE_OWNER, head)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if _, err := s.noteRoom(ctx, st.feed, "created", room.CreatedBy, room.Title, room.Created); err != nil {
		return err
	}
	users = slices.DeleteFunc(users, func(user string) bool { return user == st.actor.User && !st.actor.Server })
	if len(users) == 0 {
		return nil
	}
	_, err = s.bringIn(ctx, st, users, joined, chatv1.Role_ROLE_MEMBER)
	return err
}

// noteRoom tells in the room of a change of its settings at that time, in milliseconds; it gives the offset of the event.
func (s *Service) noteRoom(ctx context.Context, feed backbone.Feed, change, by, title string, at int64) (uint64, error) {
	return s.note(ctx, feed, &Event{
		ID: newsID(at, roomKey(feed), change), Type: eventRoom, Sender: by, Time: at, Change: change, Title: title,
	})
}
