package fanout

import (
	"context"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// Source is the log and its live tails, as far as the hub uses them; *backbone.Backbone is one, and says what each method promises.
// T is its kind of tail.
type Source[T Tail] interface {
	Follow(ctx context.Context, feed backbone.Feed, f backbone.Follower) (T, error)
	After(ctx context.Context, feed backbone.Feed, offset uint64, limit int) (backbone.Page, error)
	Signal(feed backbone.Feed, data []byte) error
	SetPresence(ctx context.Context, feed backbone.Feed, summary []byte) error
	Presence(ctx context.Context, feed backbone.Feed) (map[string][]byte, error)
	NodeID() string
}

// Tail is one followed feed.
type Tail interface {
	// Head is the newest position that was given to the follower; at first the feed's head when Follow returned.
	Head() backbone.Position
	Close()
}

// anySource lets the hub hold a source of any kind of tail without being generic itself.
type anySource[T Tail] struct{ Source[T] }

func (s anySource[T]) Follow(ctx context.Context, feed backbone.Feed, f backbone.Follower) (Tail, error) {
	tail, err := s.Source.Follow(ctx, feed, f)
	if err != nil {
		return nil, err
	}
	return tail, nil
}
