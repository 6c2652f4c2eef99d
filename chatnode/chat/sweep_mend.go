package chat

import (
	"context"
	"encoding/json"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// roomFeed is the feed of a row whose key begins with an application and a room.
func roomFeed(parts []string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: parts[0], Name: parts[1]}
}

// members finishes changes of members: tells what nobody may have been told, mends the lists of those that don't say what the record does,
// and adds who is missing among a room's owners.
func (r *sweepRound) members(ctx context.Context, from *uint64, left *[]string) error {
	return r.follow(ctx, ofMembers, layout.Members, from, left, func(ctx context.Context, row backbone.Row) (bool, error) {
		parts, ok := layout.ParseRowKey(row.Key)
		var m memberRecord
		if !ok || len(parts) != 3 || json.Unmarshal(row.Data, &m) != nil { // the lists apart have four
			return false, nil
		}
		return r.s.sweepMember(ctx, roomFeed(parts), parts[2], record[memberRecord]{m, row.Revision})
	})
}

func (s *Service) sweepMember(ctx context.Context, feed backbone.Feed, user string, m record[memberRecord]) (mended bool, err error) {
	room, err := loadRow[roomRecord](ctx, s.tables, layout.Rooms, roomKey(feed))
	switch {
	case err != nil:
		return false, err
	case room.value.Gone: // who came in while it was being deleted
		return true, s.clear(ctx, feed, "")
	case room.value.Deleted: // which the sweep of rooms finishes
		return false, nil
	}
	inbox, err := loadRow[inboxRecord](ctx, s.tables, layout.Inbox, inboxKey(feed, user))
	if err != nil {
		return false, err
	}
	lists := m.value.Membership == joined || m.value.Membership == invitedTo
	recent := m.value.Changed > millis(s.options.Now().Add(-redo))
	if recent || inbox.exists() != lists || m.value.Membership == none {
		mended = inbox.exists() != lists || m.value.Membership == none // of the others, it only makes sure
		if _, err := s.finish(ctx, feed, user, m); err != nil {
			return false, err
		}
	}
	if m.value.Membership == joined && m.value.Role == chatv1.Role_ROLE_OWNER && !slices.Contains(room.value.Owners, user) {
		return true, s.own(ctx, feed, user)
	}
	return mended, nil
}

// rooms finishes deletions, and rooms whose creator has not become a member.
func (r *sweepRound) rooms(ctx context.Context, from *uint64, left *[]string) error {
	return r.follow(ctx, ofRooms, layout.Rooms, from, left, func(ctx context.Context, row backbone.Row) (bool, error) {
		parts, ok := layout.ParseRowKey(row.Key)
		var room roomRecord
		if !ok || len(parts) != 2 || json.Unmarshal(row.Data, &room) != nil {
			return false, nil
		}
		return r.s.sweepRoom(ctx, roomFeed(parts), record[roomRecord]{room, row.Revision})
	})
}

func (s *Service) sweepRoom(ctx context.Context, feed backbone.Feed, room record[roomRecord]) (mended bool, err error) {
	r := room.value
	switch {
	case r.Deleted && !r.Gone:
		return true, s.demolish(ctx, feed, r)
	case r.Deleted || len(r.Owners) != 1 || r.Owners[0] != r.CreatedBy:
		return false, nil
	}
	n, err := s.tables.Count(ctx, layout.Members, roomKey(feed))
	if err != nil || n > 0 {
		return false, err
	}
	st := standing{actor: Actor{App: feed.App, User: r.CreatedBy}, feed: feed, room: room}
	return true, s.furnish(ctx, &st, nil)
}

// lists takes rooms from the lists of users who are no members, a part of all lists a round.
func (r *sweepRound) lists(ctx context.Context, from *uint64) error {
	return r.walk(ctx, ofLists, layout.Inbox, anyApp, from, func(ctx context.Context, row backbone.Row) (bool, error) {
		parts, ok := layout.ParseRowKey(row.Key)
		if !ok || len(parts) != 3 { // a trail
			return false, nil
		}
		feed, user := backbone.Feed{Kind: layout.Room, App: parts[0], Name: parts[2]}, parts[1]
		m, err := loadRow[memberRecord](ctx, r.s.tables, layout.Members, memberKey(feed, user))
		if err != nil || m.value.Membership == joined || m.value.Membership == invitedTo {
			return false, err
		}
		return true, removeRow(ctx, r.s.tables, layout.Inbox, row.Key)
	})
}

// mutes takes away what is left of users who were muted and are no members, when that has ended.
func (r *sweepRound) mutes(ctx context.Context, from *uint64) error {
	prefix := layout.RowKey("\x00" + membershipWords[none])
	return r.walk(ctx, ofMutes, layout.Members, prefix, from, func(ctx context.Context, row backbone.Row) (bool, error) {
		parts, ok := layout.ParseRowKey(row.Key)
		var m memberRecord
		if !ok || len(parts) != 4 || json.Unmarshal(row.Data, &m) != nil || m.MutedUntil > millis(r.s.options.Now()) {
			return false, nil
		}
		feed := roomFeed(parts[1:])
		now, err := loadRow[memberRecord](ctx, r.s.tables, layout.Members, memberKey(feed, parts[3]))
		if err == nil {
			_, err = r.s.finish(ctx, feed, parts[3], now)
		}
		return true, err
	})
}
