package chat

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// An erasure goes through the rooms of a user: those on the list, and those at the end of the user's trails. In each it goes through the log
// from its start, then takes the user's rows away, that by which the room was found last. What it has done stands in a row of
// layout.Cursors, so that the next call, or a node that finds it abandoned (see resume.go), goes on where one ended, whatever ended it.

const (
	// erasePage is how many events are looked at before it is written down how far that got.
	erasePage = 500
	// erasePart is how many of them are erased before the row is written again, so that others see that somebody is at work.
	erasePart = 32
	// erasePrefix begins the keys of erasures: RowKey(erasePrefix, app, user).
	erasePrefix = "erase"
	// eraseFresh is how old an erasure may be for its events to be told from new ones by their ids: older ids are refused.
	eraseFresh = 12 * time.Hour
	// defaultLinger is how long erased words may still be found if nobody says how long.
	defaultLinger = 15 * time.Minute
)

// erasureRecord is what layout.Cursors has of an erasure that is not done, or whose receipt nobody has had.
type erasureRecord struct {
	Began    int64  `json:"began"` // milliseconds
	Messages uint32 `json:"messages,omitempty"`
	Rooms    uint32 `json:"rooms,omitempty"`
	// Room is the one under work, and Offset how far that is.
	Room   string `json:"room,omitempty"`
	Offset uint64 `json:"offset,omitempty"`
	// Counted is the offset up to which messages there are among Messages, perhaps before they are deleted.
	Counted uint64 `json:"counted,omitempty"`
	// Done says that all of it is erased; the record is for whoever asks again.
	Done bool `json:"done,omitempty"`
}

// EraseUser takes everything away that is stored of a user: revokes the user's tokens, deletes the user's messages in all rooms, takes back
// the reactions, ends the memberships without telling of it in the log, and purges the personal feed and all rows. Clients see the messages
// deleted and the reactions taken back. It answers when all of that is durable and erased from the log; what others said, and whom they
// mentioned, stays, as does the name, without any words, in deletions that the user made before and in records of what the user did to
// others. What the user writes from now on, with new tokens, is not covered: ban the user first, or give no tokens any more.
//
// The log takes tens of milliseconds for each message: a user who wrote much takes minutes. If it takes longer than the caller waits, it is
// Unavailable, and goes on by itself half a minute later; the same call goes on at once, or finds it done. The receipt counts what all of
// them have done. A call when nothing is left answers with zeros. For servers. Errors: Invalid, Denied, Conflict (another call or node is
// at work on it: try again later), Limit, Unavailable.
func (s *Service) EraseUser(ctx context.Context, a Actor, q *chatv1.EraseUserRequest) (*chatv1.EraseUserReply, error) {
	if err := onlyServers(a, "erase a user"); err != nil {
		return nil, err
	}
	if err := CheckUser(q.GetUser()); err != nil {
		return nil, err
	}
	e := erasure{s: s, app: a.App, user: q.GetUser(), key: layout.RowKey(erasePrefix, a.App, q.GetUser())}
	if err := e.begin(ctx); err != nil {
		return nil, err
	}
	if err := e.run(ctx); err != nil {
		return nil, err
	}
	// If somebody else has begun meanwhile, it is that one's row.
	if err := s.tables.Remove(ctx, layout.Cursors, e.key, e.r.revision); err != nil && !errors.Is(err, backbone.ErrConflict) {
		return nil, fromLog(err)
	}
	linger := defaultLinger
	if s.options.Linger != nil {
		linger = s.options.Linger()
	}
	return &chatv1.EraseUserReply{
		Messages: e.r.value.Messages, Rooms: e.r.value.Rooms, GoneBy: millis(s.options.Now().Add(linger)),
	}, nil
}

// erasedLately says whether a session that ends may do so since its user is being erased: nothing is noted of it.
func (s *Service) erasedLately(app, user string) bool {
	r, _ := s.revoked.get(personKey(app, user))
	return r.Erased > millis(s.options.Now().Add(-time.Minute))
}

// erasure is one that is under work.
type erasure struct {
	s              *Service
	app, user, key string
	r              record[erasureRecord]
}

// begin ends the user's sessions, and finds out what is done already.
func (e *erasure) begin(ctx context.Context) (err error) {
	now := millis(e.s.options.Now())
	_, err = e.s.revoke(ctx, e.app, e.user, func(r *revokedRecord) { r.Before, r.Erased = max(r.Before, now), now })
	if err != nil {
		return err
	}
	e.r, err = changeRow(ctx, e.s.tables, layout.Cursors, e.key, func(r *record[erasureRecord]) error {
		if r.value.Began <= now-eraseFresh.Milliseconds() {
			r.value.Began = now
		}
		if r.value.Done { // what there is now came later
			r.value.Done, r.value.Room = false, ""
		}
		return nil // in any case the row is this call's from here on, and whoever was at work before stops
	})
	return err
}

// run does what is left to do. When it ends without an error, the record says so.
func (e *erasure) run(ctx context.Context) error {
	for _, prefix := range []string{layout.RowKey(e.app, e.user), trailPrefix(e.app, e.user)} {
		if err := e.eraseRooms(ctx, prefix); err != nil {
			return err
		}
	}
	if err := e.finish(ctx); err != nil {
		return err
	}
	e.r.value.Done = true
	return e.save(ctx)
}

// save writes down what is done.
func (e *erasure) save(ctx context.Context) error {
	data, err := json.Marshal(e.r.value)
	if err != nil {
		return fromLog(err)
	}
	e.r.revision, err = e.s.tables.Put(ctx, layout.Cursors, e.key, data, e.r.revision)
	if errors.Is(err, backbone.ErrConflict) {
		return failf(Conflict, "somebody else is erasing the same user; try again later")
	}
	return fromLog(err)
}

// eraseRooms goes through the rooms of the rows under a prefix, each of which is gone when its room is done.
func (e *erasure) eraseRooms(ctx context.Context, prefix string) error {
	for {
		rows, _, err := e.s.tables.List(ctx, layout.Inbox, prefix, 0, 1)
		if err != nil || len(rows) == 0 {
			return fromLog(err)
		}
		parts, ok := layout.ParseRowKey(rows[0].Key)
		if !ok {
			return failf(Internal, "internal error")
		}
		feed := backbone.Feed{Kind: layout.Room, App: e.app, Name: parts[len(parts)-1]}
		if err := e.eraseLog(ctx, feed); err != nil {
			return err
		}
		if err := e.leave(ctx, feed); err != nil {
			return err
		}
		if err := removeRow(ctx, e.s.tables, layout.Inbox, rows[0].Key); err != nil {
			return err
		}
	}
}

// eraseLog erases what the user left in a room's log.
func (e *erasure) eraseLog(ctx context.Context, feed backbone.Feed) error {
	r := &e.r.value
	if r.Room != feed.Name {
		r.Room, r.Offset, r.Counted = feed.Name, 0, 0
		r.Rooms++
	}
	for {
		page, err := e.s.log.After(ctx, feed, r.Offset, erasePage)
		if err != nil {
			return fromLog(err)
		}
		if err := e.erasePage(ctx, feed, page.Messages); err != nil {
			return err
		}
		r.Offset = max(r.Offset, page.End)
		if err := e.save(ctx); err != nil {
			return err
		}
		if !page.More {
			return nil
		}
	}
}

// erasePage erases what is the user's among events of a room.
func (e *erasure) erasePage(ctx context.Context, feed backbone.Feed, events []*backbone.Message) error {
	var gone []uint64
	var tell []*Event
	targets := map[uint64]bool{}
	for _, m := range events {
		switch event, whose := e.look(feed, m); {
		case !whose:
		case event != nil && (event.Type == eventMessage || event.Type == eventEdit):
			d := e.deletion(feed, m, event)
			if !targets[d.Target] {
				targets[d.Target] = true
				tell = append(tell, d)
				if m.Offset > e.r.value.Counted {
					e.r.value.Messages++
				}
			}
			gone = append(gone, m.Offset)
		case event != nil && event.Type == eventReaction && !event.Remove:
			tell = append(tell, e.takingBack(feed, m.Offset, event))
			gone = append(gone, m.Offset)
		default:
			gone = append(gone, m.Offset)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	// From the first deletion on the owner of the room's shard erases too, and nobody could count any more.
	e.r.value.Counted = max(e.r.value.Counted, gone[len(gone)-1])
	if err := e.save(ctx); err != nil {
		return err
	}
	told := make([]backbone.Receipt, len(tell))
	err := inParallel(ctx, len(tell), func(ctx context.Context, i int) (err error) {
		told[i], err = e.s.noteAs(ctx, feed, tell[i], e.noteOf(tell[i]))
		return err
	})
	if err != nil {
		return err
	}
	for i, event := range tell {
		if event.Type == eventReaction {
			gone = append(gone, told[i].Offset) // clients have been told
		}
	}
	return e.eraseParts(ctx, feed, gone)
}

// eraseParts erases events, and shows between parts of them that it is at work.
func (e *erasure) eraseParts(ctx context.Context, feed backbone.Feed, gone []uint64) error {
	for part := range slices.Chunk(gone, erasePart) {
		if err := e.s.eraseMany(ctx, feed, part); err != nil {
			return err
		}
		if err := e.save(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look says whether an event is the user's: to be erased. It is nil in channels that carry whatever is published.
func (e *erasure) look(feed backbone.Feed, m *backbone.Message) (event *Event, whose bool) {
	var info struct {
		User string `json:"user"`
	}
	if !conversational(Channel(feed)) {
		return nil, json.Unmarshal(m.Info, &info) == nil && info.User == e.user
	}
	event = &Event{}
	if json.Unmarshal(m.Data, event) != nil {
		return nil, false
	}
	switch event.Type {
	case eventDelete: // has no words, and says that there is nothing to be seen
		return event, false
	case eventMember:
		return event, event.Sender == e.user || event.User == e.user
	}
	return event, event.Sender == e.user
}

// deletion tells clients and the index that a message is gone. It doesn't name the user.
func (e *erasure) deletion(feed backbone.Feed, m *backbone.Message, said *Event) *Event {
	d := deletionOf(m, said)
	d.Time, d.ID = e.r.value.Began, e.id(feed, d.Type, d.Target)
	return d
}

// takingBack tells clients that a reaction is gone.
func (e *erasure) takingBack(feed backbone.Feed, offset uint64, said *Event) *Event {
	return &Event{
		ID: e.id(feed, eventReaction, offset), Type: eventReaction, Sender: e.user, Time: e.r.value.Began,
		Target: said.Target, Reaction: said.Reaction, Remove: true,
	}
}

// id is the same for the same event in every call that erases the user.
func (e *erasure) id(feed backbone.Feed, what string, offset uint64) string {
	return newsID(e.r.value.Began, roomKey(feed), "erase", what, strconv.FormatUint(offset, 10))
}

// noteOf is the event's, for the index: whose message it was is known there by a hash.
func (e *erasure) noteOf(event *Event) backbone.Note {
	n := event.note()
	n.Sender = backbone.NameHash(e.user)
	return n
}

// leave takes the user's rows in a room away.
func (e *erasure) leave(ctx context.Context, feed backbone.Feed) error {
	s := e.s
	_, err := changeRow(ctx, s.tables, layout.Rooms, roomKey(feed), func(r *record[roomRecord]) error {
		v := &r.value
		if !slices.Contains(v.Owners, e.user) && v.CreatedBy != e.user && v.DeletedBy != e.user {
			return errKeep
		}
		v.Owners = slices.DeleteFunc(slices.Clone(v.Owners), func(o string) bool { return o == e.user })
		for _, name := range []*string{&v.CreatedBy, &v.DeletedBy} {
			if *name == e.user {
				*name = ""
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.rooms.forget(roomKey(feed))
	if err := e.tellLeft(ctx, feed); err != nil {
		return err
	}
	keys := []string{memberKey(feed, e.user)}
	for _, aside := range asides {
		keys = append(keys, asidePrefix(feed, aside)+"."+layout.RowKey(e.user))
	}
	for _, key := range keys {
		if err := removeRow(ctx, s.tables, layout.Members, key); err != nil {
			return err
		}
		s.members.forget(key)
	}
	return nil
}

// tellLeft tells clients that the user is no member any more, by an event that does not stay.
func (e *erasure) tellLeft(ctx context.Context, feed backbone.Feed) error {
	m, err := loadRow[memberRecord](ctx, e.s.tables, layout.Members, memberKey(feed, e.user))
	if err != nil || m.value.Membership != joined || !conversational(Channel(feed)) {
		return fromLog(err)
	}
	offset, err := e.s.note(ctx, feed, &Event{
		ID: e.id(feed, eventMember, m.revision), Type: eventMember, Time: e.r.value.Began, User: e.user, Membership: membershipWords[none],
	})
	if err != nil {
		return err
	}
	return fromLog(e.s.log.Erase(ctx, feed, offset))
}

// finish takes away what is no room's, and has all nodes forget what they still remember.
func (e *erasure) finish(ctx context.Context) error {
	personal := backbone.Feed{Kind: layout.User, App: e.app, Name: e.user}
	for after := uint64(0); ; {
		page, err := e.s.log.After(ctx, personal, after, erasePage)
		if err != nil {
			return fromLog(err)
		}
		if err := e.eraseParts(ctx, personal, offsetsOf(page.Messages)); err != nil {
			return err
		}
		if after = page.End; !page.More {
			break
		}
	}
	for _, remove := range e.s.others() {
		if err := remove(ctx, e.app, e.user); err != nil {
			return fromLog(err)
		}
	}
	if err := removeRow(ctx, e.s.tables, layout.People, personKey(e.app, e.user)); err != nil {
		return err
	}
	e.s.people.forget(personKey(e.app, e.user))
	if err := e.s.forgetAccounts(ctx, e.app, e.user); err != nil {
		return err
	}
	e.s.trails.forget(e.app, e.user)
	_, err := e.s.revoke(ctx, e.app, e.user, func(r *revokedRecord) { r.Erased = max(r.Erased+1, millis(e.s.options.Now())) })
	return err
}
