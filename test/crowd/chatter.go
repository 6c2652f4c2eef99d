package crowd

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

// Chatter is one user with one client: it talks in some rooms and reads some.
type Chatter struct {
	crowd   *Crowd
	Ledger  *Ledger
	Client  *client.Client
	talks   []*talk
	readers []*Reader
	online  atomic.Bool
}

// talk is what a chatter says in one room: one message after another, each repeated under its id until it is acknowledged.
type talk struct {
	room string
	// begun is when the newest acknowledged message was sent first, in Unix nanoseconds.
	begun atomic.Int64
}

// Lead is a user whom the test leads: it gives him a client, and closes it.
func (c *Crowd) Lead(user string) *Chatter { return &Chatter{crowd: c, Ledger: NewLedger(user)} }

// Connect connects a user, whom the test leads: it closes his client.
func (c *Crowd) Connect(number int) (*Chatter, error) { return c.connect(number, nil, nil) }

// connect connects a user and subscribes to the rooms that it reads.
func (c *Crowd) connect(number int, talks, reads []string) (*Chatter, error) {
	chatter := c.Lead(fmt.Sprintf("user-%d", number))
	ctx, cancel := context.WithTimeout(c.ctx, c.fleet.Patience)
	defer cancel()
	o := client.Options{
		Reconnect: true, Timeout: answerWait, Encoding: protocol.Encoding(number % 2),
		OnConnect:    func(*protocol.ConnectResult) { chatter.online.Store(true) },
		OnDisconnect: func(error) { chatter.online.Store(false) },
	}
	var err error
	if chatter.Client, err = c.fleet.Dial(ctx, chatter.Ledger.User, number, o); err != nil {
		return nil, fmt.Errorf("connect %s: %w", chatter.Ledger.User, err)
	}
	for _, room := range talks {
		chatter.talks = append(chatter.talks, &talk{room: room})
	}
	for _, room := range reads {
		r := NewReader(chatter, room)
		if _, err := chatter.Client.Subscribe(ctx, room, r.Options()); err != nil {
			chatter.Client.Close()
			return nil, err
		}
		chatter.readers = append(chatter.readers, r)
	}
	return chatter, nil
}

// fail reports what must not happen.
func (c *Chatter) fail(format string, args ...any) {
	if c.crowd.ctx.Err() == nil {
		c.crowd.fleet.T.Errorf(format, args...)
	}
}

// Say sends a message until it is acknowledged; false if the test is over or the message refused.
func (c *Chatter) Say(room, text string) bool { return c.send(c.Ledger.begin(room, text), text) }

// chat talks until the crowd is told to be silent and what was begun is acknowledged.
func (c *Chatter) chat(t *talk) {
	for number := 1; ; number++ {
		// At random, so that the chatters don't speak in one voice.
		rest := time.NewTimer(c.crowd.Rest/2 + rand.N(c.crowd.Rest))
		select {
		case <-c.crowd.silence:
			rest.Stop()
			return
		case <-rest.C:
		}
		text := fmt.Sprintf("%s says %d in %s. %s", c.Ledger.User, number, t.room, c.crowd.Padding)
		e := c.Ledger.begin(t.room, text)
		if !c.send(e, text) {
			return
		}
		t.begun.Store(e.Began.UnixNano())
	}
}

// send repeats a message until it is acknowledged; false if the test is over or the message refused.
func (c *Chatter) send(e *Entry, text string) bool {
	for {
		for !c.online.Load() {
			if !pause(c.crowd.ctx, retryPause) {
				return false
			}
		}
		c.Ledger.attempt(e)
		ctx, cancel := context.WithTimeout(c.crowd.ctx, answerWait)
		sent, err := c.Client.Send(ctx, e.room, e.id.String(), text)
		cancel()
		switch {
		case err == nil:
			c.Ledger.acknowledge(e, Answer{sent.Offset, sent.Time})
			return true
		case c.crowd.ctx.Err() != nil:
			return false
		case errors.Is(err, context.DeadlineExceeded):
			c.Client.Cut()
		case !passing(err):
			c.fail("%s sends %s to %s: %v", c.Ledger.User, e.id, e.room, err)
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
