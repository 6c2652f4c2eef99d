package chat

import (
	"context"
	"errors"
	"slices"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// removePage is how many messages or members are taken away before it is written down how far that got.
const removePage = 1000

// DeleteRoom takes a room away, with its members and everything that was said in it. From its first step on everybody is refused; it answers
// when nothing is left. If that takes longer than the caller waits, it is Unavailable, and a retry or the sweeper goes on.
//
// A record stays, so that the name doesn't become that of an open room; CreateRoom may take it. A direct conversation begins anew with the
// next message.
//
// Errors: Invalid, Denied, NotFound, Conflict, Unavailable.
func (s *Service) DeleteRoom(ctx context.Context, a Actor, q *chatv1.DeleteRoomRequest) (*chatv1.DeleteRoomReply, error) {
	st, err := s.fresh(ctx, a, q.GetRoom(), toRemove)
	if st.room.value.Deleted && st.room.value.DeletedBy == a.User && (a.User != "" || a.Server) {
		err = nil // a retry
	}
	if err != nil {
		return nil, err
	}
	now := millis(s.options.Now())
	st.room, err = changeRow(ctx, s.tables, layout.Rooms, roomKey(st.feed), func(r *record[roomRecord]) error {
		if r.value.Deleted {
			return errKeep
		}
		if !r.exists() { // a room that nobody made
			r.value.Kind = st.kind()
		}
		r.value.Deleted, r.value.DeletedBy, r.value.Changed = true, a.User, now
		return nil
	})
	s.rooms.forget(roomKey(st.feed))
	if err == nil && !st.room.value.Gone {
		err = s.demolish(ctx, st.feed, st.room.value)
	}
	if err != nil {
		return nil, err
	}
	return &chatv1.DeleteRoomReply{}, nil
}

// demolish takes away everything that belongs to a room whose record says that it is deleted. Every step may be the last of one who dies, and
// is done again by the next.
func (s *Service) demolish(ctx context.Context, feed backbone.Feed, r roomRecord) error {
	end, err := s.noteRoom(ctx, feed, "deleted", r.DeletedBy, "", r.Changed)
	if err != nil {
		return err
	}
	if err := s.eraseUpTo(ctx, feed, r.Erased, end); err != nil {
		return err
	}
	if err := s.clear(ctx, feed, newsID(r.Changed, roomKey(feed), nowDeleted)); err != nil {
		return err
	}
	defer s.rooms.forget(roomKey(feed))
	_, err = changeRow(ctx, s.tables, layout.Rooms, roomKey(feed), func(now *record[roomRecord]) error {
		if !now.value.Deleted || now.value.Gone {
			return errKeep
		}
		now.value = roomRecord{Kind: r.Kind, Changed: r.Changed, Deleted: true, DeletedBy: r.DeletedBy, Gone: true, Begins: end}
		return nil
	})
	return err
}

// eraseUpTo erases what stands in a room's log between two offsets; the later one, which tells of the deletion, stays.
func (s *Service) eraseUpTo(ctx context.Context, feed backbone.Feed, from, end uint64) error {
	for {
		page, err := s.log.After(ctx, feed, from, removePage)
		if err != nil {
			return fromLog(err)
		}
		void := slices.DeleteFunc(offsetsOf(page.Messages), func(offset uint64) bool { return offset >= end })
		if err := s.eraseMany(ctx, feed, void); err != nil {
			return err
		}
		if !page.More || page.End >= end {
			return nil
		}
		from = page.End
		if _, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(feed), func(r *record[roomRecord]) error {
			if !r.value.Deleted || r.value.Erased >= from {
				return errKeep
			}
			r.value.Erased = from
			return nil
		}); err != nil {
			return err
		}
	}
}

// clear takes away all who stand in any way to a room, and tells them by an event of that id; without one nobody is told.
func (s *Service) clear(ctx context.Context, feed backbone.Feed, id string) error {
	for {
		rows, more, err := s.tables.List(ctx, layout.Members, roomKey(feed), 0, removePage)
		if err != nil {
			return fromLog(err)
		}
		if err := inParallel(ctx, len(rows), func(ctx context.Context, i int) error { return s.dismiss(ctx, feed, rows[i], id) }); err != nil {
			return err
		}
		if !more {
			break
		}
	}
	for _, aside := range asides {
		for {
			rows, more, err := s.tables.List(ctx, layout.Members, asidePrefix(feed, aside), 0, removePage)
			if err != nil {
				return fromLog(err)
			}
			if err := inParallel(ctx, len(rows), func(ctx context.Context, i int) error {
				return removeRow(ctx, s.tables, layout.Members, rows[i].Key)
			}); err != nil {
				return err
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// dismiss takes a user from a room that is deleted. The member record goes last: by it the rest is found.
func (s *Service) dismiss(ctx context.Context, feed backbone.Feed, row backbone.Row, id string) error {
	user, m, err := parseMember(row)
	if err != nil {
		return err
	}
	if err := removeRow(ctx, s.tables, layout.Inbox, inboxKey(feed, user)); err != nil {
		return err
	}
	if id != "" && (m.Membership == joined || m.Membership == invitedTo) {
		if err := s.tellOnce(ctx, feed.App, user, id, conversationChange(feed, nowDeleted)); err != nil {
			return err
		}
	}
	err = s.tables.Remove(ctx, layout.Members, row.Key, row.Revision)
	s.members.forget(row.Key)
	if errors.Is(err, backbone.ErrConflict) {
		return nil // a change that had begun before the deletion; the next look finds it
	}
	return fromLog(err)
}
