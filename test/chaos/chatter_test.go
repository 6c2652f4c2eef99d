package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
)

const (
	// answerWait is how long an answer is waited for: as the SDKs do. Then the connection is taken for dead.
	answerWait = 5 * time.Second
	// retryPause is the time between an attempt that failed and the next.
	retryPause = 100 * time.Millisecond
)

// chatter is one user with one client: it talks in some rooms and reads some.
type chatter struct {
	crowd   *crowd
	ledger  *ledger
	client  *client.Client
	talks   []*talk
	readers []*reader
	online  atomic.Bool
}

// talk is what a chatter says in one room: one message after another, each repeated under its id until it is acknowledged.
type talk struct {
	room string
	// begun is when the newest acknowledged message was sent first, in Unix nanoseconds.
	begun atomic.Int64
}

// newChatter connects a user and subscribes to the rooms that it reads.
func newChatter(crowd *crowd, number int, talks, reads []string) (*chatter, error) {
	c := &chatter{crowd: crowd, ledger: newLedger(fmt.Sprintf("user-%d", number))}
	ctx, cancel := context.WithTimeout(crowd.ctx, patience)
	defer cancel()
	o := client.Options{
		Reconnect: true, Timeout: answerWait, Encoding: protocol.Encoding(number % 2),
		OnConnect:    func(*protocol.ConnectResult) { c.online.Store(true) },
		OnDisconnect: func(error) { c.online.Store(false) },
	}
	var err error
	if c.client, err = crowd.fleet.dial(ctx, c.ledger.user, crowd.fleet.addresses(number), o); err != nil {
		return nil, fmt.Errorf("connect %s: %w", c.ledger.user, err)
	}
	for _, room := range talks {
		c.talks = append(c.talks, &talk{room: room})
	}
	for _, room := range reads {
		r := newReader(c, room)
		if _, err := c.client.Subscribe(ctx, room, r.options()); err != nil {
			c.client.Close()
			return nil, err
		}
		c.readers = append(c.readers, r)
	}
	return c, nil
}

// fail reports what must not happen.
func (c *chatter) fail(format string, args ...any) {
	if c.crowd.ctx.Err() == nil {
		c.crowd.fleet.t.Errorf(format, args...)
	}
}

// chat talks until the crowd is told to be silent and what was begun is acknowledged.
func (c *chatter) chat(t *talk) {
	for number := 1; ; number++ {
		// At random, so that the chatters don't speak in one voice.
		rest := time.NewTimer(c.crowd.rest/2 + rand.N(c.crowd.rest))
		select {
		case <-c.crowd.silence:
			rest.Stop()
			return
		case <-rest.C:
		}
		text := fmt.Sprintf("%s says %d in %s. %s", c.ledger.user, number, t.room, c.crowd.padding)
		e := c.ledger.begin(t.room, text)
		if !c.send(e, text) {
			return
		}
		t.begun.Store(e.began.UnixNano())
	}
}

// send repeats a message until it is acknowledged; false if the test is over or the message refused.
func (c *chatter) send(e *entry, text string) bool {
	for {
		for !c.online.Load() {
			if !pause(c.crowd.ctx, retryPause) {
				return false
			}
		}
		c.ledger.attempt(e)
		ctx, cancel := context.WithTimeout(c.crowd.ctx, answerWait)
		sent, err := c.client.Send(ctx, e.room, e.id.String(), text)
		cancel()
		switch {
		case err == nil:
			c.ledger.acknowledge(e, answer{sent.Offset, sent.Time})
			return true
		case c.crowd.ctx.Err() != nil:
			return false
		case errors.Is(err, context.DeadlineExceeded):
			c.client.Cut()
		case !passing(err):
			c.fail("%s sends %s to %s: %v", c.ledger.user, e.id, e.room, err)
			return false
		}
		if !pause(c.crowd.ctx, retryPause) {
			return false
		}
	}
}

// passing tells whether the same may succeed later.
func passing(err error) bool {
	var refused *protocol.Error
	if errors.As(err, &refused) {
		return refused.Temporary
	}
	return errors.Is(err, client.ErrDisconnected) || errors.Is(err, context.DeadlineExceeded)
}

// pause waits; false if ctx ends before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
