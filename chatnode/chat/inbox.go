package chat

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
)

// Bounds of a page of conversations.
const (
	defaultRooms = 50
	mostRooms    = 200
)

// rank is the place of a room on a user's list: by the time of its newest message, and in the same millisecond by that message's offset;
// behind all those, the rooms without messages by the time in microseconds at which they came on the list. Marks don't change it.
// A cursor is the rank of a page's last room: the next page has what comes behind it, so that a room that moves to the front meanwhile is
// missed where it was, and found at the front.
type rank struct {
	At   int64  `json:"t,omitempty"` // milliseconds
	Tie  uint64 `json:"o,omitempty"`
	Room string `json:"n"`
}

// compare is negative if r is in front of other.
func (r rank) compare(other rank) int {
	return cmp.Or(cmp.Compare(other.At, r.At), cmp.Compare(other.Tie, r.Tie), cmp.Compare(r.Room, other.Room))
}

func (r rank) cursor() string {
	text, _ := json.Marshal(r) // numbers and a string
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(cursor string) (r rank, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || json.Unmarshal(text, &r) != nil {
		return r, failf(Invalid, "the cursor is none of ours: take that of the reply before")
	}
	return r, nil
}

// Rooms lists the user's conversations, that with the newest message first, with unread counts; the first page has their totals. Errors:
// Invalid, Unavailable.
func (s *Service) Rooms(ctx context.Context, a Actor, q *chatv1.RoomsRequest) (*chatv1.RoomsReply, error) {
	limit, err := pageLimit(q.GetLimit(), defaultRooms, mostRooms)
	if err != nil {
		return nil, err
	}
	if a.User == "" {
		return nil, failf(Invalid, "conversations are a user's: say for whom you ask")
	}
	behind := rank{}
	if q.GetCursor() != "" {
		if behind, err = parseCursor(q.GetCursor()); err != nil {
			return nil, err
		}
	}
	list, err := s.lists.read(ctx, a.App, a.User)
	if err != nil {
		return nil, fromLog(err)
	}
	reply, all := &chatv1.RoomsReply{}, list.rooms
	if q.GetCursor() == "" {
		reply.Unread, reply.Mentions = list.unread, list.mentions
	} else {
		at, found := list.find(behind)
		if found {
			at++
		}
		all = all[at:]
	}
	if len(all) > limit {
		all = all[:limit]
		reply.Cursor = all[limit-1].cursor()
	}
	reply.Rooms, err = s.describe(ctx, a, all)
	return reply, err
}

// Joined lists the channels of the rooms on a user's list, that with the newest message first, at most limit; without those to which the
// user is only invited. Errors: Unavailable.
func (s *Service) Joined(ctx context.Context, a Actor, limit int) (channels []string, err error) {
	if a.User == "" || limit <= 0 {
		return nil, nil
	}
	list, err := s.lists.read(ctx, a.App, a.User)
	if err != nil {
		return nil, fromLog(err)
	}
	for _, c := range list.rooms {
		if len(channels) == limit {
			break
		}
		if !c.marks.Invited {
			channels = append(channels, c.Room)
		}
	}
	return channels, nil
}

// describe makes a page of the list. Rooms that the user may no longer see are left out.
func (s *Service) describe(ctx context.Context, a Actor, all []*conversation) ([]*chatv1.Conversation, error) {
	described := make([]*chatv1.Conversation, len(all))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(reading)
	for i := range all {
		work.Go(func() (err error) {
			described[i], err = s.describeOne(ctx, a, all[i])
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(described, func(c *chatv1.Conversation) bool { return c == nil }), nil
}

func (s *Service) describeOne(ctx context.Context, a Actor, c *conversation) (*chatv1.Conversation, error) {
	st, err := s.stand(ctx, a, c.Room)
	var refused *Error
	if errors.As(err, &refused) && (refused.Kind == Denied || refused.Kind == NotFound) || err == nil && !st.listed() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	room, err := st.describe()
	if err != nil {
		return nil, err
	}
	d := &chatv1.Conversation{Room: room, Marks: marksOf(c.feed, a.User, c.marks)}
	d.Marks.Unread, d.Marks.Mentions = uint32(c.unread.Messages), uint32(c.unread.Mentions)
	if c.unread.Last <= st.floor() || st.may(toRead, s.options.Now()) != nil {
		return d, nil
	}
	entry, ok, err := s.log.Entry(ctx, c.feed, c.unread.Last)
	if err != nil {
		return nil, fromLog(err)
	}
	if ok {
		d.Last = messageOf(entry)
	}
	return d, nil
}

// listed says whether the room belongs on the actor's list. One that has just gone may still have its row.
func (st *standing) listed() bool {
	m := st.member.value.Membership
	return !st.room.value.Deleted && (st.other != "" || m == joined || m == invitedTo)
}
