package chat

import (
	"context"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// A room's owners stand in its record as well as in their own: two who leave at the same time write the same row, and one of them finds
// out that the other was faster. Who becomes an owner is written there last, and who ceases to be one first: so everybody who stands there
// is an owner.

// maxOwners is how many owners a room may have.
const maxOwners = 100

// cede takes a user from the room's owners, before the user's own record changes. The last one of a room that has other members must stay,
// unless a server wills otherwise.
func (s *Service) cede(ctx context.Context, st *standing, user string) error {
	if !slices.Contains(st.room.value.Owners, user) {
		return nil
	}
	_, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(st.feed), func(r *record[roomRecord]) error {
		i := slices.Index(r.value.Owners, user)
		if i < 0 {
			return errKeep
		}
		if len(r.value.Owners) == 1 && !st.actor.Server {
			n, err := s.countMembers(ctx, st.feed)
			if err != nil {
				return err
			}
			if n > 1 {
				return failf(Denied, "the last owner of %s can't go while it has other members: make another one owner, or delete the room", Channel(st.feed))
			}
		}
		r.value.Owners = slices.Delete(slices.Clone(r.value.Owners), i, i+1)
		return nil
	})
	s.rooms.forget(roomKey(st.feed))
	return err
}

// own adds a user, whose record says owner, to the room's owners.
func (s *Service) own(ctx context.Context, feed backbone.Feed, user string) error {
	defer s.rooms.forget(roomKey(feed))
	_, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(feed), func(r *record[roomRecord]) error {
		switch {
		case !r.exists() || r.value.Deleted || slices.Contains(r.value.Owners, user):
			return errKeep
		case len(r.value.Owners) >= maxOwners:
			return failf(Limit, "%s has %d owners, which is as many as it may", Channel(feed), maxOwners)
		}
		r.value.Owners = append(slices.Clone(r.value.Owners), user)
		return nil
	})
	if err != nil {
		return err
	}
	// Who has ceased to be one before this found nothing to take away.
	m, err := loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(feed, user))
	if err != nil {
		return fromLog(err)
	}
	if m.value.Membership == joined && m.value.Role == chatv1.Role_ROLE_OWNER {
		return nil
	}
	_, err = changeRow(ctx, s.tables, layout.Rooms, roomKey(feed), func(r *record[roomRecord]) error {
		r.value.Owners = slices.DeleteFunc(slices.Clone(r.value.Owners), func(o string) bool { return o == user })
		return nil
	})
	return err
}
