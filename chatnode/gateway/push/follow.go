package push

import (
	"context"
	"sync/atomic"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/fanout"
)

// maxFollowed is how many of a user's conversations wake a poll; beyond it, it finds messages when it looks again.
const maxFollowed = 500

// follower wakes a poll when something happens in what concerns a user: the direct conversations, and the personal feed, which tells of those
// that begin.
type follower struct {
	g    *Gateway
	user string
	wake chan struct{}
	all  map[backbone.Feed]*following
}

// following is one feed. It is a fanout.Member, that takes everything and keeps nothing.
type following struct {
	wake         chan struct{}
	subscription *fanout.Subscription
	ended        atomic.Bool
}

// follow begins with feeds that are not followed yet, and says whether there were such: what came to them before is to be looked for.
func (f *follower) follow(ctx context.Context, feeds []backbone.Feed) (begun bool) {
	ctx, cancel := context.WithTimeout(ctx, f.g.options.Timeout)
	defer cancel()
	if f.all == nil {
		f.all = map[backbone.Feed]*following{}
	}
	for feed, one := range f.all {
		if one.ended.Load() {
			one.subscription.Close()
			delete(f.all, feed)
		}
	}
	personal := backbone.Feed{Kind: layout.User, App: f.g.options.App, Name: f.user}
	for _, feed := range append([]backbone.Feed{personal}, feeds...) {
		switch {
		case f.all[feed] != nil:
			continue
		case len(f.all) > maxFollowed:
			f.g.metrics.refused.WithLabelValues(boundFollowed).Inc()
			return begun
		}
		one := &following{wake: f.wake}
		subscription, _, err := f.g.options.Hub.Subscribe(ctx, feed, fanout.Request{}, one)
		if err != nil {
			continue // it is tried again at the next look
		}
		one.subscription = subscription
		f.all[feed] = one
		subscription.Start()
		begun = true
	}
	return begun
}

// close lets go of all feeds.
func (f *follower) close() {
	for _, one := range f.all {
		one.subscription.Close()
	}
}

// Encoder gives bytes that say only that there is something.
func (m *following) Encoder() fanout.Encoder { return something{} }

// Write wakes the poll.
func (m *following) Write([]byte) bool {
	nudge(m.wake)
	return true
}

// Reset wakes the poll too, which then follows the feed anew.
func (m *following) Reset() {
	m.ended.Store(true)
	nudge(m.wake)
}

// something is the encoder of those who only want to know that there are messages.
type something struct{}

// Messages is not empty.
func (something) Messages(backbone.Feed, []*backbone.Message) []byte { return []byte{1} }

// Signal is of no interest.
func (something) Signal(backbone.Feed, []byte) []byte { return nil }

// Join is of no interest.
func (something) Join(backbone.Feed, []byte) []byte { return nil }

// Leave is of no interest.
func (something) Leave(backbone.Feed, []byte) []byte { return nil }
