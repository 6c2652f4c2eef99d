package backbone

import (
	"context"
)

// MaxMessages is how many messages one View has at most.
const MaxMessages = 1000

// MessagesQuery asks for a part of a feed's messages. With After the oldest behind that offset (and before Before, unless that is 0)
// are given, otherwise the newest before Before, or of all if that is 0.
type MessagesQuery struct {
	Before, After uint64
	// Limit is how many entries are wanted, at most MaxMessages; 0 is MaxMessages.
	Limit int
	// Thread, if not 0, is the offset of a message to which all given ones are replies; itself is not among them.
	Thread uint64
	// Seek, if not nil, says where to begin and which way to go, instead of After, Before and Thread. The entries then have a Rank and a Tie.
	Seek *Seek
}

// Seek is a place in a feed, by time or by rank.
type Seek struct {
	// By is SeekTime or SeekRank.
	By SeekBy `json:"by"`
	// To is a time in milliseconds since 1970 or a rank. Forward, the page begins with the first message at it or behind it; backward, it ends
	// with the last message that is not behind that time, or with the one that has so many messages behind it.
	To int64 `json:"to"`
	// Back asks for what lies before that, instead of what follows.
	Back bool `json:"back,omitempty"`
}

// SeekBy says how a place in a feed is named.
type SeekBy string

// The names of places.
const (
	SeekTime SeekBy = "time"
	SeekRank SeekBy = "rank"
)

// View is a part of a feed's messages as they are now.
type View struct {
	// Entries, oldest first, also deleted ones.
	Entries []Entry
	// Head is the feed's newest position at a moment after the call began.
	Head Position
	// More is true if further messages lie beyond in the direction of the query.
	More bool
}

// Entry is a message as it is now.
type Entry struct {
	// Offset and Time (in milliseconds since 1970) are those of the message as it was first stored. Times never go back along a feed.
	Offset uint64
	Time   int64
	// Rank is how many messages of the feed were ever stored before this one, Tie how many of these have its Time. Only after a Seek.
	Rank, Tie uint64
	// Message has the newest words: the edit's event if it was edited. It is nil if the message is gone.
	Message *Message
	// Edited is the newest edit and Deleted the first deletion; nil if there is none.
	Edited, Deleted *Message
	// Reactions are the events, oldest first; of very many the newest maxReactions.
	Reactions []*Message
	// Replies is how many messages in its thread aren't deleted.
	Replies int
}

// Messages reads messages of a feed, those of NoteMessage only, as they are now. What was appended before the call through this node
// is taken into account. Errors: ErrUnavailable, the context's.
func (b *Backbone) Messages(ctx context.Context, feed Feed, q MessagesQuery) (View, error) {
	ask := question{Op: "messages", Feed: feed.Key(), Offset: q.After, Before: q.Before, Limit: q.Limit, Thread: q.Thread, Seek: q.Seek}
	return b.view(ctx, feed, ask)
}

// Entry reads one message as it is now; false if there is no message of NoteMessage at the offset. Errors: ErrUnavailable, the
// context's.
func (b *Backbone) Entry(ctx context.Context, feed Feed, offset uint64) (Entry, bool, error) {
	v, err := b.view(ctx, feed, question{Op: "message", Feed: feed.Key(), Offset: offset})
	if err != nil || len(v.Entries) == 0 {
		return Entry{}, false, err
	}
	return v.Entries[0], true, nil
}

// row is what the owner's index says of one message.
type row struct {
	Offset uint64 `json:"o"`
	Time   int64  `json:"t"`
	// Edited and Deleted are offsets of events, 0 if there is none.
	Edited    uint64   `json:"e,omitempty"`
	Deleted   uint64   `json:"d,omitempty"`
	Reactions []uint64 `json:"r,omitempty"`
	Replies   int      `json:"n,omitempty"`
	// Rank and Tie are there after a seek.
	Rank uint64 `json:"k,omitempty"`
	Tie  uint64 `json:"i,omitempty"`
}

// words is the offset of the event with the newest words, 0 if the message is deleted.
func (r *row) words() uint64 {
	switch {
	case r.Deleted > 0:
		return 0
	case r.Edited > 0:
		return r.Edited
	default:
		return r.Offset
	}
}

// lookAgain is how often a view is asked for anew because words in it were erased between the owner's answer and the reading of the log:
// a newer edit has taken their place.
const lookAgain = 3

// view asks the owner for rows, and reads what they name.
func (b *Backbone) view(ctx context.Context, feed Feed, q question) (View, error) {
	for attempt := 1; ; attempt++ {
		a, err := b.ask(ctx, b.layout.ShardOf(feed), q)
		if err != nil {
			return View{}, err
		}
		head, err := a.head()
		if err != nil {
			return View{}, err
		}
		entries, whole, err := b.entries(ctx, feed, a.Rows)
		if err != nil {
			return View{}, err
		}
		if whole || attempt == lookAgain {
			return View{Entries: entries, Head: head, More: a.More}, nil
		}
	}
}

// entries reads the events that rows name; whole is false if words are gone of a message that isn't deleted.
func (b *Backbone) entries(ctx context.Context, feed Feed, rows []row) (entries []Entry, whole bool, err error) {
	var offsets []uint64
	for i := range rows {
		offsets = append(append(offsets, rows[i].words(), rows[i].Deleted), rows[i].Reactions...)
	}
	events, err := b.events(ctx, feed, offsets)
	if err != nil {
		return nil, false, err
	}
	entries, whole = make([]Entry, len(rows)), true
	for i, r := range rows {
		e := Entry{Offset: r.Offset, Time: r.Time, Message: events[r.words()], Deleted: events[r.Deleted], Replies: r.Replies, Rank: r.Rank, Tie: r.Tie}
		if r.Edited > 0 {
			e.Edited = e.Message
		}
		for _, offset := range r.Reactions {
			if m := events[offset]; m != nil {
				e.Reactions = append(e.Reactions, m)
			}
		}
		whole = whole && (e.Message != nil || r.Deleted > 0)
		entries[i] = e
	}
	return entries, whole, nil
}

// events reads messages of a feed by their offsets, of which 0 is none. Those that are gone are not in the result.
func (b *Backbone) events(ctx context.Context, feed Feed, offsets []uint64) (map[uint64]*Message, error) {
	wanted := offsets[:0]
	for _, offset := range offsets {
		if offset > 0 {
			wanted = append(wanted, offset)
		}
	}
	found, err := b.fetch(ctx, b.layout.ShardOf(feed), wanted)
	if err != nil {
		return nil, err
	}
	events := make(map[uint64]*Message, len(found))
	for _, s := range found {
		if s != nil && s.key == feed.Key() {
			events[s.body.Offset] = s.body
		}
	}
	return events, nil
}
