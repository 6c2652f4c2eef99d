package chat

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// redo is how long after a change a repetition of the request still finishes what the first one may have left undone. After that the
// sweeper has done it.
const redo = time.Hour

// settle changes how a user stands to a room, and everything that follows from it. What to gives as error ends it; a record that it leaves
// as it is has been changed by an earlier attempt, whose work is finished. The answer is the record as it is then.
func (s *Service) settle(ctx context.Context, st *standing, user, word string, to func(m *memberRecord) error) (memberRecord, error) {
	now := s.options.Now()
	r, err := changeRow(ctx, s.tables, layout.Members, memberKey(st.feed, user), func(r *record[memberRecord]) error {
		was := r.value
		if err := to(&r.value); err != nil {
			return err
		}
		if r.value == was {
			return errKeep
		}
		r.value.By, r.value.Change, r.value.Changed = st.actor.User, word, millis(now)
		return nil
	})
	s.members.forget(memberKey(st.feed, user))
	if err != nil {
		return r.value, err
	}
	if !r.exists() || r.value.Changed < millis(now.Add(-redo)) {
		return r.value, nil
	}
	return s.finish(ctx, st.feed, user, r)
}

// finish does what follows from a member record, in an order in which each step may be the last of one who dies: the lists, the room's
// event, the user's event, and the removal of a record that says nothing.
func (s *Service) finish(ctx context.Context, feed backbone.Feed, user string, r record[memberRecord]) (memberRecord, error) {
	answer := r.value
	for {
		if err := s.listed(ctx, feed, user, r.value); err != nil {
			return answer, err
		}
		// Whoever changes the record after this look writes the lists after us; whoever did before may have done it too early.
		now, err := loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(feed, user))
		if err != nil {
			return answer, fromLog(err)
		}
		if now.revision == r.revision {
			break
		}
		r = now
	}
	if !r.exists() {
		return answer, nil // and who removed it has told of it
	}
	m := r.value
	if m.Change != "" {
		if err := s.tellOfMember(ctx, feed, user, r); err != nil {
			return answer, err
		}
	}
	if m.Membership == none && m.MutedUntil <= millis(s.options.Now()) {
		err := s.tables.Remove(ctx, layout.Members, memberKey(feed, user), r.revision)
		s.members.forget(memberKey(feed, user))
		if err != nil && !errors.Is(err, backbone.ErrConflict) {
			return answer, fromLog(err)
		}
	}
	return answer, nil
}

func (s *Service) tellOfMember(ctx context.Context, feed backbone.Feed, user string, r record[memberRecord]) error {
	m := r.value
	id := newsID(m.Changed, memberKey(feed, user), strconv.FormatUint(r.revision, 10))
	if _, err := s.note(ctx, feed, &Event{
		ID: id, Type: eventMember, Sender: m.By, Time: m.Changed,
		User: user, Membership: membershipWords[m.Membership], Role: roleWords[m.Role], MutedUntil: m.MutedUntil,
	}); err != nil {
		return err
	}
	return s.tellOnce(ctx, feed.App, user, id, conversationChange(feed, m.Change))
}

// asides are the memberships whose records are listed apart, so that they are found without a walk through all members, and members are
// counted without them. The last is of users who are muted and no members.
var asides = []chatv1.Membership{invitedTo, bannedFrom, none}

// asidePrefix is where the users of a room with such a membership are listed. No application has a name that begins so.
func asidePrefix(feed backbone.Feed, m chatv1.Membership) string {
	return layout.RowKey("\x00"+membershipWords[m], feed.App, feed.Name)
}

// listed makes the lists say what the record does: the user's, and those of the room's users who are not members.
func (s *Service) listed(ctx context.Context, feed backbone.Feed, user string, m memberRecord) error {
	for _, aside := range asides {
		key := asidePrefix(feed, aside) + "." + layout.RowKey(user)
		var err error
		if m.Membership == aside && (aside != none || m.MutedUntil > millis(s.options.Now())) {
			err = s.putAside(ctx, key, m)
		} else {
			err = removeRow(ctx, s.tables, layout.Members, key)
		}
		if err != nil {
			return err
		}
	}
	if m.Membership == joined || m.Membership == invitedTo {
		return s.list(ctx, feed, user, m.Floor, m.Membership == invitedTo)
	}
	if err := s.leaveTrail(ctx, feed, user); err != nil {
		return err
	}
	return removeRow(ctx, s.tables, layout.Inbox, inboxKey(feed, user))
}

func (s *Service) putAside(ctx context.Context, key string, m memberRecord) error {
	_, err := changeRow(ctx, s.tables, layout.Members, key, func(r *record[memberRecord]) error {
		if r.exists() && r.value == m {
			return errKeep
		}
		r.value = m
		return nil
	})
	return err
}

// memberOf is a record for others to see.
func memberOf(room, user string, m memberRecord) *chatv1.Member {
	answer := &chatv1.Member{
		Room: room, User: user, Membership: m.Membership, Since: m.Since, MutedUntil: m.MutedUntil,
	}
	if m.Membership == joined || m.Membership == invitedTo {
		answer.Role = m.Role
	}
	if m.Membership != none && m.By != user {
		answer.By = m.By
	}
	return answer
}

// parseMember reads a record of a list.
func parseMember(row backbone.Row) (user string, m memberRecord, err error) {
	parts, ok := layout.ParseRowKey(row.Key)
	if !ok || len(parts) == 0 {
		return "", m, failf(Internal, "internal error")
	}
	return parts[len(parts)-1], m, fromLog(json.Unmarshal(row.Data, &m))
}
