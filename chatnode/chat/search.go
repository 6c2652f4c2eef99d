package chat

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

// Searcher finds where words stand in rooms: what search gives. What it finds may have changed since, or be gone. Errors:
// query.ErrCursor, those of the log.
type Searcher interface {
	Search(ctx context.Context, q query.Question) (query.Answer, error)
}

// Bounds of a search.
const (
	defaultFound = 20
	mostFound    = 100
	// searchRounds is how often more is looked for since what was found is not for the actor, or not there any more. What is found by then
	// is the reply, and its cursor goes on.
	searchRounds = 5
)

// Search finds messages that have all the words, in one room or in all on the user's list, the newest first: those that the actor may
// read now, with the words that they have now. A reply says if not everything could be searched. It may have fewer messages than were
// asked for, or none, and a cursor to go on. Errors: Invalid, Denied, NotFound, NoMethod (searching is switched off), Unavailable.
func (s *Service) Search(ctx context.Context, a Actor, q *chatv1.SearchRequest) (*chatv1.SearchReply, error) {
	if s.options.Search == nil {
		return nil, failf(NoMethod, "searching is switched off here")
	}
	limit, err := pageLimit(q.GetLimit(), defaultFound, mostFound)
	if err != nil {
		return nil, err
	}
	words, err := query.Parse(q.GetQuery())
	if err != nil {
		return nil, failf(Invalid, "%v", err)
	}
	f := finding{s: s, actor: a, words: words, standings: map[backbone.Feed]*standing{}}
	if err := f.begin(ctx, q.GetRoom()); err != nil {
		return nil, err
	}
	f.question.Query, f.question.Cursor = words, q.GetCursor()
	reply := &chatv1.SearchReply{}
	for range searchRounds {
		f.question.Limit = limit - len(reply.Messages)
		messages, err := f.round(ctx)
		if err != nil {
			return nil, err
		}
		reply.Messages = append(reply.Messages, messages...)
		reply.Partial = f.partial
		if reply.Cursor = f.question.Cursor; reply.Cursor == "" || len(reply.Messages) == limit {
			break
		}
	}
	return reply, nil
}

// finding is one search.
type finding struct {
	s        *Service
	actor    Actor
	words    query.Query
	question query.Question
	// partial: not everything could be searched.
	partial bool
	// standings are how the actor stands to rooms in which something was found; nil: they are not for the actor.
	standings map[backbone.Feed]*standing
}

// begin says in which rooms to look: in one that the actor may read, or in all on the list, of which each is looked at when something is
// found in it.
func (f *finding) begin(ctx context.Context, room string) error {
	if room != "" {
		st, err := f.s.allow(ctx, f.actor, room, toRead)
		if err != nil {
			return err
		}
		f.standings[st.feed] = &st
		f.question.Rooms = []query.Room{{Feed: st.feed, After: st.floor()}}
		return nil
	}
	if f.actor.User == "" {
		return failf(Invalid, "say in which room to look: only a user has a list of rooms")
	}
	feeds, err := f.s.lists.joined(ctx, f.actor.App, f.actor.User)
	if err != nil {
		return fromLog(err)
	}
	for _, feed := range feeds {
		f.question.Rooms = append(f.question.Rooms, query.Room{Feed: feed})
	}
	return nil
}

// round asks once, and reads what stands where something was found.
func (f *finding) round(ctx context.Context) ([]*chatv1.Message, error) {
	if len(f.question.Rooms) == 0 {
		f.question.Cursor = ""
		return nil, nil
	}
	answer, err := f.s.options.Search.Search(ctx, f.question)
	if errors.Is(err, query.ErrCursor) {
		return nil, failf(Invalid, "%v", err)
	}
	if err != nil {
		return nil, fromLog(err)
	}
	f.question.Cursor = answer.Cursor
	f.partial = f.partial || answer.Partial
	for _, place := range answer.Places {
		if err := f.stand(ctx, place.Feed); err != nil {
			return nil, err
		}
	}
	f.narrow()
	read := make([]*chatv1.Message, len(answer.Places))
	err = inParallel(ctx, len(answer.Places), func(ctx context.Context, i int) (err error) {
		read[i], err = f.read(ctx, answer.Places[i])
		return err
	})
	messages := read[:0]
	for _, m := range read {
		if m != nil {
			messages = append(messages, m)
		}
	}
	return messages, err
}

// stand finds out once how the actor stands to a room.
func (f *finding) stand(ctx context.Context, feed backbone.Feed) error {
	if _, known := f.standings[feed]; known {
		return nil
	}
	st, err := f.s.allow(ctx, f.actor, Channel(feed), toRead)
	var refused *Error
	switch {
	case err == nil:
		f.standings[feed] = &st
	case errors.As(err, &refused) && (refused.Kind == Denied || refused.Kind == NotFound):
		f.standings[feed] = nil
	default:
		return err
	}
	return nil
}

// narrow leaves out of the next round what has turned out not to be for the actor.
func (f *finding) narrow() {
	rooms := f.question.Rooms[:0]
	for _, room := range f.question.Rooms {
		if st, known := f.standings[room.Feed]; known && st != nil {
			rooms = append(rooms, query.Room{Feed: room.Feed, After: st.floor()})
		} else if !known {
			rooms = append(rooms, room)
		}
	}
	f.question.Rooms = rooms
}

// read reads a message as it is now; nil if it is not for the actor, or gone, or has other words by now.
func (f *finding) read(ctx context.Context, place query.Place) (*chatv1.Message, error) {
	st := f.standings[place.Feed]
	if st == nil || place.Offset <= st.floor() {
		return nil, nil
	}
	entry, ok, err := f.s.log.Entry(ctx, place.Feed, place.Offset)
	if err != nil {
		return nil, fromLog(err)
	}
	if !ok || entry.Deleted != nil || entry.Message == nil {
		return nil, nil
	}
	var e Event
	if json.Unmarshal(entry.Message.Data, &e) != nil || !f.words.Matches(e.findable()) {
		return nil, nil
	}
	m := messageOf(entry)
	m.Room = Channel(place.Feed)
	return m, nil
}

// findable is the text by which a message is found: what it says, and the names of its attachments.
func (e *Event) findable() string {
	var all []string
	if e.Text != nil {
		all = append(all, *e.Text)
	}
	for _, a := range e.Attachments {
		all = append(all, a.Name)
	}
	return strings.Join(all, "\n")
}
