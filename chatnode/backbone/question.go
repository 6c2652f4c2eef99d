package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// question is what a node asks the owner of a shard about its index.
type question struct {
	// Op is "after", "before", "find", "heads", "messages", "message", "unread" or "erased".
	Op string `json:"op"`
	// Feed is a feed's key; Feeds are many, for heads.
	Feed  string   `json:"feed,omitempty"`
	Feeds []string `json:"feeds,omitempty"`
	// Offset and Limit bound a page.
	Offset uint64 `json:"offset,omitempty"`
	Limit  int    `json:"limit,omitempty"`
	// Offsets are messages that are gone, of which the answer tells those that were erased.
	Offsets []uint64 `json:"offsets,omitempty"`
	// Before and Thread are those of a MessagesQuery, whose After is the Offset here.
	Before uint64 `json:"before,omitempty"`
	Thread uint64 `json:"thread,omitempty"`
	// Unread is, for that, what is asked of each feed.
	Unread []unreadAsk `json:"unread,omitempty"`
	// Moment is, also for that, the moment since which changes are asked for, of at most Limit feeds. An owner of an older version, which
	// does not know it, answers without Changes.
	Moment *Moment `json:"moment,omitempty"`
	// ID is the hash of a message id, Since (ms) the oldest time that it may have been stored.
	ID    uint64 `json:"id,omitempty"`
	Since int64  `json:"since,omitempty"`
	// Covers is the newest stream sequence that the asker knows of: the answer must take it into account. ask fills it in, unless the asker
	// wants more.
	Covers uint64 `json:"covers,omitempty"`
}

// answer is the owner's reply.
type answer struct {
	// Term and Epoch are the owner's.
	Term  uint64 `json:"term"`
	Epoch string `json:"epoch"`
	// Offsets are a page or the candidates for an id; Heads the newest offsets of the feeds asked about (0: none).
	Offsets []uint64 `json:"offsets,omitempty"`
	Heads   []uint64 `json:"heads,omitempty"`
	// Hidden are those of a page's Offsets that are being erased, or have just been: a replica may still have them.
	Hidden []uint64 `json:"hidden,omitempty"`
	// Rows are messages as they are now; Unread answers the parts of such a question in their order.
	Rows   []row    `json:"rows,omitempty"`
	Unread []Unread `json:"unread,omitempty"`
	// Changes answers a question with a Moment.
	Changes *Changes `json:"changes,omitempty"`
	// Position is how far the owner had read the shard before it looked the heads up.
	Position uint64 `json:"position"`
	More     bool   `json:"more,omitempty"`
	Complete bool   `json:"complete,omitempty"`
	// Retry says why the owner can't answer yet.
	Retry string `json:"retry,omitempty"`
}

// head is the position of the only feed that was asked about. A feed without messages stands where its shard does: there is nothing
// of it up to there, also when the shard's oldest messages have been discarded and nobody could vouch for offset 0 any more.
func (a *answer) head() (Position, error) {
	if len(a.Heads) != 1 {
		return Position{}, fmt.Errorf("malformed answer of a shard's owner: %w", ErrUnavailable)
	}
	if a.Heads[0] == 0 {
		return Position{a.Epoch, a.Position}, nil
	}
	return Position{a.Epoch, a.Heads[0]}, nil
}

// Times and bounds of questions.
const (
	// askWait bounds a question with all its attempts, unless the caller's context ends earlier.
	askWait      = 10 * time.Second
	askAttempt   = 1500 * time.Millisecond
	askRetryWait = 20 * time.Millisecond
	// maxFeedsAsked is how many feeds one question about heads names.
	maxFeedsAsked = 1000
)

// ask puts a question to the owner of a shard, again and again while there is none or it can't answer yet. It fails with
// ErrUnavailable after askWait.
//
// The question goes out on the connection that carries this node's subscriptions and comes in at the server from which the owner
// dispatches. So a subscription made before the question is in force there when the owner answers: what the answer does not
// have yet arrives live.
func (b *Backbone) ask(ctx context.Context, shard layout.Shard, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	last, wanted := errors.New("nobody owns it"), q.Covers
	for {
		q.Covers = max(wanted, b.seen(shard))
		a, err := b.askOnce(ctx, shard, q)
		if err == nil {
			return a, nil
		}
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
			last = err
		}
		if !sleep(ctx, askRetryWait) {
			b.metrics.unanswered.Inc()
			return answer{}, fmt.Errorf("ask the owner of %s (%w): %w", shard, last, ErrUnavailable)
		}
	}
}

func (b *Backbone) askOnce(ctx context.Context, shard layout.Shard, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askAttempt)
	defer cancel()
	raw, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	m, err := b.main.RequestWithContext(ctx, b.layout.Ask(shard), raw)
	if errors.Is(err, nats.ErrNoResponders) {
		return answer{}, errors.New("nobody owns it")
	}
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return answer{}, fmt.Errorf("malformed answer: %w", err)
	}
	b.learn(shard, a.Term, a.Epoch, a.Position)
	switch {
	case a.Retry != "":
		return answer{}, errors.New(a.Retry)
	case !b.currentTerm(shard, a.Term):
		return answer{}, errors.New("its answer is of an older term")
	}
	return a, nil
}
