package crowd

import (
	"context"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

// Reader follows a room as an application would: it shows what it is sent, and fills from history what the server did not recover.
type Reader struct {
	c    *Chatter
	room string
	wake chan struct{}

	mu    sync.Mutex
	queue []shown // what the connection brought, in order
	epoch string
}

// shown is a publication, or a hole that the server has told of: everything up to and including to is to be read from history.
type shown struct {
	publication *protocol.Publication
	to          protocol.StreamPosition
}

// NewReader is the chatter as a reader of one more room.
func NewReader(c *Chatter, room string) *Reader {
	return &Reader{c: c, room: room, wake: make(chan struct{}, 1)}
}

// Options make the reader the listener of a subscription.
func (r *Reader) Options() client.SubscribeOptions {
	return client.SubscribeOptions{
		OnSubscribed: func(result *protocol.SubscribeResult) {
			r.checkEpoch(result.Epoch)
			if !result.Recovered && result.Offset > 0 {
				if result.WasRecovering {
					r.c.crowd.unrecovered.Add(1)
				}
				r.put(shown{to: protocol.StreamPosition{Epoch: result.Epoch, Offset: result.Offset}})
			}
		},
		OnPublication:  func(p *protocol.Publication) { r.put(shown{publication: p}) },
		OnUnsubscribed: func(err error) { r.c.fail("%s lost its place in %s: %v", r.c.Ledger.User, r.room, err) },
	}
}

// checkEpoch fails the test if the log begins anew: no power was cut.
func (r *Reader) checkEpoch(epoch string) {
	r.mu.Lock()
	was := r.epoch
	r.epoch = epoch
	r.mu.Unlock()
	if was != "" && was != epoch {
		r.c.fail("the epoch of %s became %s, it was %s", r.room, epoch, was)
	}
}

// Epoch is that of the room, or empty before the first subscription.
func (r *Reader) Epoch() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch
}

func (r *Reader) put(s shown) {
	r.mu.Lock()
	r.queue = append(r.queue, s)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run writes down what comes until ctx ends.
func (r *Reader) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		r.mu.Lock()
		queue := r.queue
		r.queue = nil
		r.mu.Unlock()
		for _, s := range queue {
			if s.publication != nil {
				r.see(s.publication)
			} else if !r.fill(ctx, s.to) {
				return
			}
		}
	}
}

func (r *Reader) see(p *protocol.Publication) {
	s, err := sightingOf(p)
	if err != nil {
		r.c.fail("%s in %s: %v", r.c.Ledger.User, r.room, err)
		return
	}
	r.c.Ledger.see(r.room, s)
}

// fill reads the hole between what was shown last and a position; false if ctx ended before that. The position may lie behind the room's
// last message: it counts the messages of other rooms too.
func (r *Reader) fill(ctx context.Context, to protocol.StreamPosition) bool {
	for {
		since := protocol.StreamPosition{Epoch: to.Epoch, Offset: r.c.Ledger.Newest(r.room).Offset}
		if since.Offset >= to.Offset {
			return true
		}
		read, err := pages(ctx, r.c.Client, r.room, since, func(p *protocol.Publication) bool {
			if p.Offset > to.Offset {
				return false
			}
			r.see(p)
			return true
		})
		switch {
		case err == nil && read >= to.Offset:
			return true
		case err == nil:
			r.c.fail("%s: history of %s ends at %d, the server told of %d", r.c.Ledger.User, r.room, read, to.Offset)
			return false
		case !passing(err):
			r.c.fail("%s: %v", r.c.Ledger.User, err)
			return false
		case !pause(ctx, retryPause):
			return false
		}
	}
}
