package client

import (
	"context"
	"fmt"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// Subscription is a wish to hear of a channel, kept over reconnects.
type Subscription struct {
	client  *Client
	channel string
	options SubscribeOptions
	// at is the position up to which everything was delivered, or nil; over is true if nobody wants the subscription any more. Both are
	// guarded by the client's mu.
	at   *protocol.StreamPosition
	over bool
}

// Subscribe subscribes and waits for the result. Errors: *protocol.Error, ErrDisconnected if the connection breaks before it, ErrClosed,
// the context's.
func (c *Client) Subscribe(ctx context.Context, channel string, o SubscribeOptions) (*Subscription, error) {
	s := &Subscription{client: c, channel: channel, options: o, at: o.Since}
	first := make(chan error, 1)
	_, err := c.begin(s.command(), func(reply *protocol.Reply, err error) { first <- s.answered(reply, err) })
	if err == nil {
		select {
		case err = <-first:
		case <-ctx.Done():
			err = ctx.Err()
			c.forget(s)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("subscribe to %q: %w", channel, err)
	}
	return s, nil
}

// Position is how far the subscription has come: everything up to it was delivered. It is nil before the first result.
func (s *Subscription) Position() *protocol.StreamPosition {
	s.client.mu.Lock()
	defer s.client.mu.Unlock()
	if s.at == nil {
		return nil
	}
	at := *s.at
	return &at
}

// Channel is the channel's name.
func (s *Subscription) Channel() string { return s.channel }

// Unsubscribe ends the subscription and waits until the server has confirmed that.
func (s *Subscription) Unsubscribe(ctx context.Context) error {
	s.client.forget(s)
	_, err := s.client.Do(ctx, &protocol.Command{Unsubscribe: &protocol.UnsubscribeRequest{Channel: s.channel}})
	return err
}

func (c *Client) forget(s *Subscription) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.over = true
	if c.subs[s.channel] == s {
		delete(c.subs, s.channel)
	}
}

// command asks for the subscription from where it stands.
func (s *Subscription) command() *protocol.Command {
	q := &protocol.SubscribeRequest{
		Channel: s.channel, Token: s.options.Token, JoinLeave: s.options.JoinLeave, Positioned: true, Recoverable: true,
	}
	if s.at != nil {
		q.Recover, q.Epoch, q.Offset = true, s.at.Epoch, s.at.Offset
	}
	return &protocol.Command{Subscribe: q}
}

// resume gives the commands that renew all subscriptions. It needs mu.
func (c *Client) resume() []*protocol.Command {
	var commands []*protocol.Command
	for _, s := range c.subs {
		command := s.command()
		c.number(command, s.renewed)
		commands = append(commands, command)
	}
	return commands
}

// renewed takes the answer to a subscribe that nobody waits for.
func (s *Subscription) renewed(reply *protocol.Reply, err error) {
	switch {
	case err != nil: // the connection is gone, and the next one renews it
	case reply.Error != nil && reply.Error.Temporary:
		time.AfterFunc(s.client.options.MaxDelay/4, s.renew)
	default:
		err := s.answered(reply, nil)
		if err != nil && s.options.OnUnsubscribed != nil {
			s.options.OnUnsubscribed(err)
		}
		if err != nil {
			s.client.forget(s)
		}
	}
}

// renew subscribes again on the same connection.
func (s *Subscription) renew() {
	s.client.mu.Lock()
	mine := s.client.subs[s.channel] == s
	command := s.command()
	s.client.mu.Unlock()
	if mine {
		_, _ = s.client.begin(command, s.renewed) // without a connection the next one renews it
	}
}

// answered takes the result of a subscribe command.
func (s *Subscription) answered(reply *protocol.Reply, err error) error {
	if err != nil {
		return err
	}
	if reply.Error != nil {
		return reply.Error
	}
	result := reply.Subscribe
	s.client.mu.Lock()
	over := s.over
	if !over {
		s.client.subs[s.channel] = s
	}
	s.client.mu.Unlock()
	if over {
		return ErrClosed
	}
	if s.options.OnSubscribed != nil {
		s.options.OnSubscribed(result)
	}
	for _, p := range result.Publications {
		s.published(p)
	}
	s.client.mu.Lock()
	s.at = &protocol.StreamPosition{Epoch: result.Epoch, Offset: result.Offset}
	s.client.mu.Unlock()
	return nil
}

func (s *Subscription) published(p *protocol.Publication) {
	if p.Offset > 0 {
		s.client.mu.Lock()
		if s.at != nil {
			s.at.Offset = p.Offset
		}
		s.client.mu.Unlock()
	}
	if s.options.OnPublication != nil {
		s.options.OnPublication(p)
	}
}
