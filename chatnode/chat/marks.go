package chat

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// maxReaders is of how many users ReadBy tells.
const maxReaders = 100

// retell is how long after marks were moved a repetition of the request makes sure that it was told: the row is written first, and whoever
// wrote it may have died then.
const retell = 5 * time.Minute

// reading is how many rows are read at a time for one request.
const reading = 16

// markEvent tells the user's other devices of marks, on the personal feed.
type markEvent struct {
	Type      string `json:"type"` // "mark"
	Room      string `json:"room"`
	Read      uint64 `json:"read"`
	Delivered uint64 `json:"delivered"`
}

// Receipt is the signal that tells the others in a room of a user's marks.
type Receipt struct {
	Type      string `json:"type"` // "receipt"
	User      string `json:"user"`
	Read      uint64 `json:"read"`
	Delivered uint64 `json:"delivered"`
	// Was is what Delivered was before, so that who listens knows which messages the receipt is for.
	Was uint64 `json:"was"`
}

// Read says how far the user has read a room. Marks end at the room's newest message, and never go back: what would not move them is
// answered, and at most tells once more what an earlier attempt may have left untold. Errors: Invalid, Denied, NotFound, Conflict, TooMany,
// Unavailable.
func (s *Service) Read(ctx context.Context, a Actor, q *chatv1.ReadRequest) (*chatv1.Marks, error) {
	return s.mark(ctx, a, q.GetRoom(), func(r inboxRecord, last uint64) inboxRecord {
		r.Read = max(r.Read, min(q.GetOffset(), last))
		r.Delivered = max(r.Delivered, r.Read)
		return r
	}, q.GetOffset())
}

// Delivered says how far the room has come to a device of the user; otherwise it is like Read.
func (s *Service) Delivered(ctx context.Context, a Actor, q *chatv1.DeliveredRequest) (*chatv1.Marks, error) {
	return s.mark(ctx, a, q.GetRoom(), func(r inboxRecord, last uint64) inboxRecord {
		r.Delivered = max(r.Delivered, min(q.GetOffset(), last))
		return r
	}, 0)
}

// mark moves marks: move is given what they are and the offset of the room's newest message; read is the offset that the user says to
// have read.
func (s *Service) mark(ctx context.Context, a Actor, room string, move func(r inboxRecord, last uint64) inboxRecord, read uint64) (*chatv1.Marks, error) {
	st, err := s.allow(ctx, a, room, toRead)
	if err != nil {
		return nil, err
	}
	if err := st.hasMarks(); err != nil {
		return nil, err
	}
	if !s.rates.allow(a.App + "\x00" + a.sender() + "\x00marks") {
		return nil, failf(TooMany, "too many marks")
	}
	if st.other != "" && !st.room.exists() {
		return &chatv1.Marks{Room: room, User: a.User}, nil // nobody said anything yet
	}
	var unread backbone.Unread
	row, err := changeRow(ctx, s.tables, layout.Inbox, inboxKey(st.feed, a.User), func(r *record[inboxRecord]) error {
		if !r.exists() {
			if err := s.again(ctx, &st); err != nil {
				return err
			}
			r.value.Floor, r.value.Listed = st.member.value.Floor, s.options.Now().UnixMicro()
		}
		was := r.value
		now := was
		now.Read = max(now.Read, read)
		answers, err := s.log.Unread(ctx, []backbone.UnreadQuestion{unreadQuestion(st.feed, a.User, now)})
		if err != nil {
			return fromLog(err)
		}
		unread = answers[0]
		r.value = move(was, unread.Last)
		if r.value == was {
			return errKeep
		}
		r.value.Marked, r.value.Was = millis(s.options.Now()), was.Delivered
		return nil
	})
	if err != nil {
		return nil, err
	}
	if row.value.Marked > millis(s.options.Now().Add(-retell)) {
		if err := s.tellMarks(ctx, &st, row); err != nil {
			return nil, err
		}
	}
	m := marksOf(st.feed, a.User, row.value)
	m.Unread, m.Mentions = uint32(unread.Messages), uint32(unread.Mentions)
	return m, nil
}

// hasMarks refuses whoever has no marks in a room.
func (st *standing) hasMarks() error {
	switch {
	case st.actor.Server:
		return failf(Invalid, "marks are a user's: say for whom you ask")
	case st.other == "" && st.member.value.Membership != chatv1.Membership_MEMBERSHIP_JOINED:
		return failf(Denied, "only members have marks in %s: join first", Channel(st.feed))
	}
	return nil
}

// again looks once more whether a user without a row still has marks: one who has just left must not come on the list again, and one whose
// joining was cut short gets the row.
func (s *Service) again(ctx context.Context, st *standing) (err error) {
	if st.other == "" {
		st.member, err = loadRow[memberRecord](ctx, s.tables, layout.Members, memberKey(st.feed, st.actor.User))
	}
	if err != nil {
		return fromLog(err)
	}
	return st.hasMarks()
}

// tellMarks tells the user's devices and the others in the room, unless that has been done.
func (s *Service) tellMarks(ctx context.Context, st *standing, r record[inboxRecord]) error {
	room, user, m := Channel(st.feed), st.actor.User, r.value
	id := newsID(m.Marked, "mark", inboxKey(st.feed, user), strconv.FormatUint(r.revision, 10))
	first, err := s.tellNew(ctx, st.feed.App, user, id, markEvent{"mark", room, m.Read, m.Delivered})
	if err != nil || !first {
		return err
	}
	return s.signal(st.feed, Receipt{"receipt", user, m.Read, m.Delivered, m.Was})
}

// unreadQuestion asks what is unread behind the marks.
func unreadQuestion(feed backbone.Feed, user string, r inboxRecord) backbone.UnreadQuestion {
	return backbone.UnreadQuestion{Feed: feed, After: max(r.Read, r.Floor), User: backbone.NameHash(user)}
}

func marksOf(feed backbone.Feed, user string, r inboxRecord) *chatv1.Marks {
	return &chatv1.Marks{Room: Channel(feed), User: user, Read: r.Read, Delivered: r.Delivered}
}

// ReadBy lists how far members of a room have read it: those that are named, or all if there are not more than 100. Errors: Invalid,
// Denied, NotFound, Unavailable.
func (s *Service) ReadBy(ctx context.Context, a Actor, q *chatv1.ReadByRequest) (*chatv1.ReadByReply, error) {
	st, err := s.allow(ctx, a, q.GetRoom(), toSeeMembers)
	if err != nil {
		return nil, err
	}
	users := q.GetUsers()
	if len(users) > maxReaders {
		return nil, failf(Invalid, "at most %d users", maxReaders)
	}
	for _, user := range users {
		if err := CheckUser(user); err != nil {
			return nil, err
		}
	}
	if len(users) == 0 {
		if users, err = s.readers(ctx, &st); err != nil {
			return nil, err
		}
	}
	found := make([]*chatv1.Marks, len(users))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(reading)
	for i, user := range users {
		work.Go(func() (err error) {
			found[i], err = s.marksIn(ctx, st.feed, user)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, fromLog(err)
	}
	reply := &chatv1.ReadByReply{}
	for _, m := range found {
		if m != nil {
			reply.Marks = append(reply.Marks, m)
		}
	}
	return reply, nil
}

// marksIn are a member's marks; nil if the user is no member.
func (s *Service) marksIn(ctx context.Context, feed backbone.Feed, user string) (*chatv1.Marks, error) {
	member, err := s.members.get(ctx, memberKey(feed, user))
	if err != nil || member.value.Membership != chatv1.Membership_MEMBERSHIP_JOINED {
		return nil, err
	}
	row, err := loadRow[inboxRecord](ctx, s.tables, layout.Inbox, inboxKey(feed, user))
	return marksOf(feed, user, row.value), err
}

// readers are all members of a room, which must not be too many.
func (s *Service) readers(ctx context.Context, st *standing) (users []string, err error) {
	rows, more, err := s.tables.List(ctx, layout.Members, roomKey(st.feed), 0, rowsAtOnce)
	if err != nil {
		return nil, fromLog(err)
	}
	for _, row := range rows {
		user, m, err := parseMember(row)
		if err != nil {
			return nil, err
		}
		if m.Membership == joined {
			users = append(users, user)
		}
	}
	if more || len(users) > maxReaders {
		return nil, failf(Invalid, "%s has more than %d members: name those of whom you ask", Channel(st.feed), maxReaders)
	}
	return users, nil
}
