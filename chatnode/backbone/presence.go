package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	presenceWait = 2 * time.Second
	// sweepPresence is how often one node removes what dead nodes have left.
	sweepPresence = 2 * time.Minute
	// maxSummaries bounds the summaries of one room that are read, one a node.
	maxSummaries = 1024
)

// SetPresence writes who is in a room on this node, as the caller encodes it; nil says that nobody is. Errors: ErrUnavailable.
func (b *Backbone) SetPresence(ctx context.Context, feed Feed, summary []byte) error {
	ctx, cancel := context.WithTimeout(ctx, presenceWait)
	defer cancel()
	key := feed.Key() + "." + b.id
	var err error
	if summary == nil {
		err = b.presence.Purge(ctx, key, jetstream.PurgeTTL(layout.PresenceMarkerAge))
	} else {
		_, err = b.presence.Put(ctx, key, summary)
	}
	if err != nil {
		return fmt.Errorf("write presence: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// Presence reads the summaries of a room by all living nodes; the keys are node ids. Errors: ErrUnavailable.
func (b *Backbone) Presence(ctx context.Context, feed Feed) (map[string][]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, presenceWait)
	defer cancel()
	prefix := "$KV." + b.layout.Bucket(layout.Presence) + "." + feed.Key() + "."
	request, err := json.Marshal(map[string]any{"multi_last": []string{prefix + "*"}, "batch": maxSummaries})
	if err != nil {
		return nil, err
	}
	replies := make(chan *nats.Msg, maxSummaries+1)
	inbox := b.main.NewInbox()
	sub, err := b.main.ChanSubscribe(inbox, replies)
	if err != nil {
		return nil, fmt.Errorf("read presence: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := b.main.PublishRequest("$JS.API.DIRECT.GET.KV_"+b.layout.Bucket(layout.Presence), inbox, request); err != nil {
		return nil, fmt.Errorf("read presence: %w: %w", ErrUnavailable, err)
	}
	found := map[string][]byte{}
	for {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("read presence: %w: %w", ErrUnavailable, ctx.Err())
		case m := <-replies:
			switch status := m.Header.Get("Status"); status {
			case "":
			case "204", "404": // the end, or nothing there
				return found, nil
			default:
				return nil, fmt.Errorf("read presence: %w (%s)", ErrUnavailable, status)
			}
			node := strings.TrimPrefix(m.Header.Get("Nats-Subject"), prefix)
			if m.Header.Get("KV-Operation") == "" && (node == b.id || b.roster.alive(node)) {
				found[node] = m.Data
			}
		}
	}
}

// sweepPresenceOfTheDead removes the summaries of nodes that are no more, on the node with the lowest id.
func (b *Backbone) sweepPresenceOfTheDead(ctx context.Context) {
	for sleep(ctx, sweepPresence) {
		if nodes := b.Nodes(); nodes[0].ID != b.id {
			continue
		}
		if err := b.sweepPresenceOnce(ctx); err != nil {
			b.log.Warn("could not sweep presence", "error", err)
		}
	}
}

func (b *Backbone) sweepPresenceOnce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sweepPresence)
	defer cancel()
	keys, err := b.presence.ListKeys(ctx)
	if errors.Is(err, jetstream.ErrNoKeysFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list presence: %w", err)
	}
	defer func() { _ = keys.Stop() }()
	for key := range keys.Keys() {
		node := key[strings.LastIndexByte(key, '.')+1:]
		if node == b.id || b.roster.alive(node) {
			continue
		}
		if err := b.presence.Purge(ctx, key, jetstream.PurgeTTL(layout.PresenceMarkerAge)); err != nil {
			return fmt.Errorf("remove presence of a dead node: %w", err)
		}
	}
	return nil
}
