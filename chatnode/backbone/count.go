package backbone

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
)

// countAtOnce is how many feeds of one question are counted at a time, since some may have to come from the store.
const countAtOnce = 16

// unread answers a question about unread messages.
func (l *ledger) unread(ctx context.Context, asks []unreadAsk) ([]Unread, error) {
	out := make([]Unread, len(asks))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(countAtOnce)
	for i, a := range asks {
		work.Go(func() (err error) {
			out[i], err = l.count(ctx, a)
			return err
		})
	}
	return out, work.Wait()
}

// count walks back through the newest messages of a feed, as far as the mark or MaxUnread, and further as long as all are deleted.
func (l *ledger) count(ctx context.Context, a unreadAsk) (u Unread, err error) {
	scanned := 0
	failed := l.index.Descend(ctx, messagesKey(a.Feed), 0, func(leaf index.Leaf) bool {
		var all map[uint64]*change
		if all, err = l.changes(ctx, a.Feed, leaf.Number); err != nil {
			return false
		}
		for _, e := range slices.Backward(leaf.Entries) {
			if scanned == MaxUnread || e.Seq <= a.After && u.Last > 0 {
				return false
			}
			scanned++
			u.take(e, all[e.Seq], a)
		}
		return true
	})
	if err == nil {
		err = failed
	}
	return u, err
}

// take counts one message, of which that has become.
func (u *Unread) take(e index.Entry, now *change, a unreadAsk) {
	mentions := e.Note.Mentions
	if now != nil {
		if now.deleted > 0 {
			return
		}
		if len(now.edits) > 0 {
			mentions = now.mentions
		}
	}
	if e.Seq > u.Last {
		u.Last, u.LastTime = e.Seq, e.Time
	}
	if e.Seq <= a.After || e.Note.Sender == a.User {
		return
	}
	u.Messages++
	if slices.Contains(mentions, a.User) {
		u.Mentions++
	}
}
