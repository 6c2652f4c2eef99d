package chat

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// rowsAtOnce is how many rows of a list are read at a time.
	rowsAtOnce = 1000
	// changesForRoom is by how many rooms with changes, of whomever, it is as dear to hear of them as to count one room.
	changesForRoom = 64
	// fewMoves is up to how many rooms are moved one by one; to sort a list of 10,000 costs about as much as to move some hundred.
	fewMoves = 100
)

// conversation is a room on a user's list. Once it is counted it is never changed, only replaced.
type conversation struct {
	feed  backbone.Feed
	hash  uint32 // of the feed
	shard layout.Shard
	marks inboxRecord
	// revision is that of its row.
	revision uint64

	counted bool // what follows is known
	rank
	unread backbone.Unread
}

// inbox is a user's list as it was at some moment: in order, with the sums of what is unread. It is never changed, only replaced.
type inbox struct {
	rooms            []*conversation
	unread, mentions uint32
}

// find is the place of a rank in the list, and says whether a room is there.
func (in inbox) find(r rank) (int, bool) {
	return slices.BinarySearchFunc(in.rooms, r, func(c *conversation, r rank) int { return c.compare(r) })
}

// with is the list with some rooms in place of others, which must be there.
func (in inbox) with(gone, come []*conversation) inbox {
	next := inbox{unread: in.unread, mentions: in.mentions}
	for _, c := range gone {
		next.unread -= uint32(c.unread.Messages)
		next.mentions -= uint32(c.unread.Mentions)
	}
	for _, c := range come {
		next.unread += uint32(c.unread.Messages)
		next.mentions += uint32(c.unread.Mentions)
	}
	if len(gone)+len(come) <= fewMoves {
		next.rooms = slices.Clone(in.rooms)
		for _, c := range gone {
			at, _ := next.find(c.rank)
			next.rooms = slices.Delete(next.rooms, at, at+1)
		}
		for _, c := range come {
			at, _ := next.find(c.rank)
			next.rooms = slices.Insert(next.rooms, at, c)
		}
		return next
	}
	left := make(map[*conversation]struct{}, len(gone))
	for _, c := range gone {
		left[c] = struct{}{}
	}
	next.rooms = make([]*conversation, 0, len(in.rooms)+len(come))
	for _, c := range in.rooms {
		if _, is := left[c]; !is {
			next.rooms = append(next.rooms, c)
		}
	}
	next.rooms = append(next.rooms, come...)
	slices.SortFunc(next.rooms, func(c, other *conversation) int { return c.compare(other.rank) })
	return next
}

// userList is what a node remembers of one user's list: rows that change are read again, and what is unread is counted again where the
// owners of the shards say that it may have changed, since the moment up to which it is known. Whoever has the turn may use it.
type userList struct {
	app, user string
	turn      chan struct{} // holds a token while somebody reads the list
	loaded    bool
	rooms     map[uint32][]*conversation // by the hashes of their feeds
	moments   map[layout.Shard]backbone.Moment
	inbox     inbox
	// due are the rooms that are still to be counted; gone are those that the inbox has and the list not, or not as they were.
	due  map[*conversation]struct{}
	gone []*conversation

	// stale are the keys of rows that have changed, size how many rooms there were; guarded by the mutex of lists.
	stale map[string]struct{}
	size  int
}

// clear forgets all rooms.
func (u *userList) clear() {
	u.rooms, u.moments = map[uint32][]*conversation{}, map[layout.Shard]backbone.Moment{}
	u.inbox, u.due, u.gone, u.loaded = inbox{}, map[*conversation]struct{}{}, nil, false
}

// len is how many rooms there are.
func (u *userList) len() int { return len(u.inbox.rooms) - len(u.gone) + len(u.due) }

// at is the place of a room among those of its hash, negative if it is not there.
func (u *userList) at(room string, hash uint32) int {
	return slices.IndexFunc(u.rooms[hash], func(c *conversation) bool { return c.Room == room })
}

// take takes a room from the list, if it is there.
func (u *userList) take(room string, hash uint32) *conversation {
	at := u.at(room, hash)
	if at < 0 {
		return nil
	}
	c := u.rooms[hash][at]
	if u.rooms[hash] = slices.Delete(u.rooms[hash], at, at+1); len(u.rooms[hash]) == 0 {
		delete(u.rooms, hash)
	}
	if delete(u.due, c); c.counted {
		u.gone = append(u.gone, c)
	}
	return c
}

// put puts a room on the list that is to be counted.
func (u *userList) put(c *conversation) {
	u.rooms[c.hash] = append(u.rooms[c.hash], c)
	u.due[c] = struct{}{}
}

// again lets a room be counted again, with the marks that it has now: those of the inbox may be older.
func (u *userList) again(room string, hash uint32) {
	if c := u.take(room, hash); c != nil {
		u.put(&conversation{feed: c.feed, hash: c.hash, shard: c.shard, marks: c.marks, revision: c.revision, rank: rank{Room: c.Room}})
	}
}

// takeRows takes what rows say now. One that is gone has no revision.
func (u *userList) takeRows(shardOf func(backbone.Feed) layout.Shard, rows []backbone.Row) error {
	for _, row := range rows {
		parts, ok := layout.ParseRowKey(row.Key)
		if !ok || len(parts) != 3 {
			continue
		}
		feed := backbone.Feed{Kind: layout.Room, App: u.app, Name: parts[2]}
		c := &conversation{
			feed: feed, hash: backbone.FeedHash(feed), shard: shardOf(feed), revision: row.Revision, rank: rank{Room: feed.Name},
		}
		if at := u.at(c.Room, c.hash); at >= 0 && u.rooms[c.hash][at].revision == row.Revision {
			continue // of what this node writes it hears twice
		}
		u.take(c.Room, c.hash)
		if row.Revision == 0 {
			continue
		}
		if err := json.Unmarshal(row.Data, &c.marks); err != nil {
			return fmt.Errorf("read %s of %s: %w", row.Key, layout.Inbox, err)
		}
		u.put(c)
	}
	return nil
}

// takeChanges lets the rooms be counted again whose counts may have changed, and moves the moments on.
func (u *userList) takeChanges(ctx context.Context, log Log) error {
	for c := range u.due {
		if _, known := u.moments[c.shard]; !known {
			u.moments[c.shard] = backbone.Moment{}
		}
	}
	questions := make([]backbone.ChangesQuestion, 0, len(u.moments))
	for shard, moment := range u.moments {
		most := changesForRoom * (1 + u.len()/len(u.moments))
		questions = append(questions, backbone.ChangesQuestion{Shard: shard, Since: moment, Most: most})
	}
	answers, err := log.Changes(ctx, questions)
	if err != nil {
		return err
	}
	for i, changes := range answers {
		shard := questions[i].Shard
		u.moments[shard] = changes.Now
		for _, hash := range changes.Feeds {
			for _, c := range slices.Clone(u.rooms[hash]) {
				u.again(c.Room, hash)
			}
		}
		if changes.Known {
			continue
		}
		for _, c := range u.inbox.rooms {
			if c.shard == shard {
				u.again(c.Room, c.hash)
			}
		}
	}
	return nil
}

// count counts what is due, and so finds the places of these rooms.
func (u *userList) count(ctx context.Context, log Log) error {
	if len(u.due)+len(u.gone) == 0 {
		return nil
	}
	rooms := slices.Collect(maps.Keys(u.due))
	questions := make([]backbone.UnreadQuestion, len(rooms))
	for i, c := range rooms {
		questions[i] = unreadQuestion(c.feed, u.user, c.marks)
	}
	answers, err := log.Unread(ctx, questions)
	if err != nil {
		return err
	}
	for i, c := range rooms {
		c.unread, c.counted = answers[i], true
		c.At, c.Tie = c.unread.LastTime, cmp.Or(c.unread.Last, uint64(c.marks.Listed))
		if c.marks.Invited {
			c.unread.Messages, c.unread.Mentions = 0, 0
		}
	}
	u.inbox = u.inbox.with(u.gone, rooms)
	u.gone = nil
	clear(u.due)
	return nil
}

// reread reads rows that have changed. One that is gone has no revision.
func (l *lists) reread(ctx context.Context, stale map[string]struct{}) (rows []backbone.Row, err error) {
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(reading)
	var mu sync.Mutex
	for key := range stale {
		work.Go(func() error {
			row, err := l.tables.Get(ctx, layout.Inbox, key)
			mu.Lock()
			defer mu.Unlock()
			row.Key = key
			rows = append(rows, row)
			return err
		})
	}
	return rows, work.Wait()
}
