package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// The sweeper finishes what those who died have left undone. One node of the fleet does a round at a time: whoever takes the sweep's row. It
// follows the changes of members and rooms by their revisions, each some time after it was made, and walks through all lists of rooms
// slowly, round by round.

const (
	// sweepEvery is the time between two rounds; settled is how old a change must be before nobody works on it any more.
	sweepEvery = time.Minute
	settled    = time.Minute
	// sweepPage and sweepPages bound what one round looks at, in each table; walkPage the rows of lists.
	sweepPage, sweepPages = 1000, 20
	walkPage              = 1000
	// anyApp is a prefix for all rows of a table: in the place of an application's name, the log's own sign for any.
	anyApp = "*"
)

// sweepRecord is the sweep's row in layout.Cursors.
type sweepRecord struct {
	// Until is when the next round may begin, in milliseconds.
	Until int64 `json:"until"`
	// Members, Rooms, Lists, Mutes and Expired are up to which revision the tables have been looked at.
	Members uint64 `json:"members"`
	Rooms   uint64 `json:"rooms"`
	Lists   uint64 `json:"lists"`
	Mutes   uint64 `json:"mutes"`
	Expired uint64 `json:"expired"`
}

var sweepKey = layout.RowKey("chat", "sweep")

// sweep does rounds until the context ends. A round that fails is the next one's; the log tells of it.
func (s *Service) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			// Somebody who has just taken the row is no fault.
			if err := s.sweepOnce(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, backbone.ErrConflict) {
				s.options.Logger.Warn("the sweeper could not finish a round and goes on in the next", "error", withCause(err))
			}
		}
	}
}

// sweepOnce does a round, unless somebody else does.
func (s *Service) sweepOnce(ctx context.Context) error {
	now := s.options.Now()
	r, err := loadRow[sweepRecord](ctx, s.tables, layout.Cursors, sweepKey)
	if err != nil || r.value.Until > millis(now) {
		return err
	}
	// Whoever takes the row has two rounds' time.
	r.value.Until = millis(now.Add(2 * sweepEvery))
	if r.revision, err = s.putSweep(ctx, r); err != nil {
		return err
	}
	round, cancel := context.WithTimeout(ctx, 2*sweepEvery)
	defer cancel()
	err = errors.Join(
		s.sweepMembers(round, &r.value.Members), s.sweepRooms(round, &r.value.Rooms),
		s.walkLists(round, &r.value.Lists), s.walkMutes(round, &r.value.Mutes),
		s.dropRevoked(round), s.dropAnnounced(round), s.expire(round, &r.value.Expired),
	)
	r.value.Until = millis(now.Add(sweepEvery))
	if _, e := s.putSweep(ctx, r); err == nil {
		err = e
	}
	return err
}

// withCause says more than users are told.
func withCause(err error) error {
	var told *Error
	if errors.As(err, &told) && told.cause != nil {
		return fmt.Errorf("%w: %w", err, told.cause)
	}
	return err
}

func (s *Service) putSweep(ctx context.Context, r record[sweepRecord]) (uint64, error) {
	data, err := json.Marshal(r.value)
	if err != nil {
		return 0, err
	}
	return s.tables.Put(ctx, layout.Cursors, sweepKey, data, r.revision)
}

// follow looks at the rows that changed since a revision, up to the first that is not ripe.
func (s *Service) follow(ctx context.Context, table string, from *uint64, look func(ctx context.Context, row backbone.Row) error) error {
	for range sweepPages {
		rows, more, err := s.tables.List(ctx, table, anyApp, *from, sweepPage)
		if err != nil {
			return err
		}
		if unripe := slices.IndexFunc(rows, func(row backbone.Row) bool { return !s.ripe(row) }); unripe >= 0 {
			rows, more = rows[:unripe], false
		}
		if err := inParallel(ctx, len(rows), func(ctx context.Context, i int) error { return look(ctx, rows[i]) }); err != nil {
			return err
		}
		if len(rows) > 0 {
			*from = rows[len(rows)-1].Revision
		}
		if !more {
			return nil
		}
	}
	return nil
}

// ripe says whether a row's change is so old that nobody works on it any more.
func (s *Service) ripe(row backbone.Row) bool {
	var r struct {
		Changed int64 `json:"changed"`
	}
	return json.Unmarshal(row.Data, &r) != nil || r.Changed <= millis(s.options.Now().Add(-settled))
}

// roomFeed is the feed of a row whose key begins with an application and a room.
func roomFeed(parts []string) backbone.Feed {
	return backbone.Feed{Kind: layout.Room, App: parts[0], Name: parts[1]}
}

// sweepMembers finishes changes of members: tells what nobody may have been told, mends the lists of those that don't say what the record
// does, and adds who is missing among a room's owners.
func (s *Service) sweepMembers(ctx context.Context, from *uint64) error {
	return s.follow(ctx, layout.Members, from, func(ctx context.Context, row backbone.Row) error {
		parts, ok := layout.ParseRowKey(row.Key)
		var m memberRecord
		if !ok || len(parts) != 3 || json.Unmarshal(row.Data, &m) != nil { // the lists apart have four
			return nil
		}
		return s.sweepMember(ctx, roomFeed(parts), parts[2], record[memberRecord]{m, row.Revision})
	})
}

func (s *Service) sweepMember(ctx context.Context, feed backbone.Feed, user string, m record[memberRecord]) error {
	room, err := loadRow[roomRecord](ctx, s.tables, layout.Rooms, roomKey(feed))
	switch {
	case err != nil:
		return err
	case room.value.Gone: // who came in while it was being deleted
		return s.clear(ctx, feed, "")
	case room.value.Deleted: // which sweepRooms finishes
		return nil
	}
	inbox, err := loadRow[inboxRecord](ctx, s.tables, layout.Inbox, inboxKey(feed, user))
	if err != nil {
		return err
	}
	lists := m.value.Membership == joined || m.value.Membership == invitedTo
	recent := m.value.Changed > millis(s.options.Now().Add(-redo))
	if recent || inbox.exists() != lists || m.value.Membership == none {
		if _, err := s.finish(ctx, feed, user, m); err != nil {
			return err
		}
	}
	if m.value.Membership == joined && m.value.Role == chatv1.Role_ROLE_OWNER && !slices.Contains(room.value.Owners, user) {
		return s.own(ctx, feed, user)
	}
	return nil
}

// sweepRooms finishes deletions, and rooms whose creator has not become a member.
func (s *Service) sweepRooms(ctx context.Context, from *uint64) error {
	return s.follow(ctx, layout.Rooms, from, func(ctx context.Context, row backbone.Row) error {
		parts, ok := layout.ParseRowKey(row.Key)
		var r roomRecord
		if !ok || len(parts) != 2 || json.Unmarshal(row.Data, &r) != nil {
			return nil
		}
		feed := roomFeed(parts)
		switch {
		case r.Deleted && !r.Gone:
			return s.demolish(ctx, feed, r)
		case r.Deleted || len(r.Owners) != 1 || r.Owners[0] != r.CreatedBy:
			return nil
		}
		n, err := s.tables.Count(ctx, layout.Members, roomKey(feed))
		if err != nil || n > 0 {
			return err
		}
		st := standing{actor: Actor{App: feed.App, User: r.CreatedBy}, feed: feed, room: record[roomRecord]{r, row.Revision}}
		return s.furnish(ctx, &st, nil)
	})
}

// walkLists takes rooms from the lists of users who are no members, a part of all lists a round.
func (s *Service) walkLists(ctx context.Context, from *uint64) error {
	rows, more, err := s.tables.List(ctx, layout.Inbox, anyApp, *from, walkPage)
	if err != nil {
		return err
	}
	for _, row := range rows {
		*from = row.Revision
		parts, ok := layout.ParseRowKey(row.Key)
		if !ok || len(parts) != 3 { // a trail
			continue
		}
		feed, user := backbone.Feed{Kind: layout.Room, App: parts[0], Name: parts[2]}, parts[1]
		m, err := loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(feed, user))
		if err != nil {
			return err
		}
		if m.value.Membership != joined && m.value.Membership != invitedTo {
			if err := removeRow(ctx, s.tables, layout.Inbox, row.Key); err != nil {
				return err
			}
		}
	}
	if !more {
		*from = 0
	}
	return nil
}

// walkMutes takes away what is left of users who were muted and are no members, when that has ended.
func (s *Service) walkMutes(ctx context.Context, from *uint64) error {
	rows, more, err := s.tables.List(ctx, layout.Members, layout.RowKey("\x00"+membershipWords[none]), *from, walkPage)
	if err != nil {
		return err
	}
	for _, row := range rows {
		parts, ok := layout.ParseRowKey(row.Key)
		var m memberRecord
		if !ok || len(parts) != 4 || json.Unmarshal(row.Data, &m) != nil {
			continue
		}
		if m.MutedUntil <= millis(s.options.Now()) {
			feed := roomFeed(parts[1:])
			now, err := loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(feed, parts[3]))
			if err != nil {
				return err
			}
			if _, err := s.finish(ctx, feed, parts[3], now); err != nil {
				return err
			}
		}
		*from = row.Revision
	}
	if !more {
		*from = 0
	}
	return nil
}
