package chat

import (
	"context"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// UpdateRoom changes the settings that are given. Data is replaced as a whole; an empty one takes it away. Errors: Invalid, Denied, NotFound,
// Conflict, Unavailable.
func (s *Service) UpdateRoom(ctx context.Context, a Actor, q *chatv1.UpdateRoomRequest) (*chatv1.Room, error) {
	st, err := s.fresh(ctx, a, q.GetRoom(), toUpdate)
	if err != nil {
		return nil, err
	}
	if st.other != "" {
		if q.Title != nil || q.Data != nil || q.Join != nil || q.History != nil {
			return nil, failf(Invalid, "of a direct conversation only retention_seconds and archived can be set")
		}
		if !st.room.exists() {
			if err := s.meet(ctx, &st); err != nil {
				return nil, err
			}
		}
	}
	if err := s.ensureRoom(ctx, &st); err != nil {
		return nil, err
	}
	now := s.options.Now()
	st.room, err = changeRow(ctx, s.tables, layout.Rooms, roomKey(st.feed), func(r *record[roomRecord]) error {
		if r.value.Deleted {
			return failf(NotFound, "%s is deleted", q.GetRoom())
		}
		changed, err := r.value.update(q)
		if err == nil && !changed {
			return errKeep
		}
		r.value.Changed = max(millis(now), r.value.Changed+1) // each change has a time of its own, by which it is told once
		return err
	})
	s.rooms.forget(roomKey(st.feed))
	if err != nil {
		return nil, err
	}
	if r := st.room.value; r.Changed > r.Created && r.Changed > millis(now.Add(-redo)) {
		if _, err := s.noteRoom(ctx, st.feed, "updated", a.User, r.Title, r.Changed); err != nil {
			return nil, err
		}
	}
	return s.roomOf(ctx, &st)
}

// update takes in what is given, and says whether that changes anything.
func (r *roomRecord) update(q *chatv1.UpdateRoomRequest) (changed bool, err error) {
	next := *r
	if q.Title != nil {
		next.Title = q.GetTitle()
	}
	if q.Data != nil {
		if next.Data, err = roomData(q.GetData()); err != nil {
			return false, err
		}
	}
	if q.Join != nil {
		next.Join = q.GetJoin()
	}
	if q.History != nil {
		next.History = q.GetHistory()
	}
	if q.RetentionSeconds != nil {
		next.Retention = q.GetRetentionSeconds()
	}
	if q.Archived != nil {
		next.Archived = q.GetArchived()
	}
	changed = !next.same(r)
	*r = next
	return changed, next.check()
}
