package client

import (
	"fmt"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// insufficient is the code from which on an unsubscribe push asks the client to subscribe again.
const insufficient = 2500

func (c *Client) pushed(push *protocol.Push) {
	c.mu.Lock()
	s := c.subs[push.Channel]
	c.mu.Unlock()
	if s == nil {
		c.serverPushed(push)
		return
	}
	switch o := &s.options; {
	case push.Pub != nil:
		s.published(push.Pub)
	case push.Join != nil && o.OnJoin != nil:
		o.OnJoin(push.Join.Info)
	case push.Leave != nil && o.OnLeave != nil:
		o.OnLeave(push.Leave.Info)
	case push.Unsubscribe != nil && push.Unsubscribe.Code >= insufficient:
		s.renew()
	case push.Unsubscribe != nil:
		c.forget(s)
		if o.OnUnsubscribed != nil {
			o.OnUnsubscribed(fmt.Errorf("unsubscribed with code %d: %s", push.Unsubscribe.Code, push.Unsubscribe.Reason))
		}
	}
}

// serverSubscribed takes the server's own subscriptions from a connect result.
func (c *Client) serverSubscribed(subs map[string]*protocol.SubscribeResult) {
	for channel, result := range subs {
		for _, p := range result.Publications {
			c.serverPublished(channel, p)
		}
		c.mu.Lock()
		c.server[channel] = &protocol.StreamPosition{Epoch: result.Epoch, Offset: result.Offset}
		c.mu.Unlock()
	}
}

// serverPushed takes a push for none of the client's subscriptions; one that was ended just now may still get some.
func (c *Client) serverPushed(push *protocol.Push) {
	c.mu.Lock()
	known := c.server[push.Channel] != nil
	c.mu.Unlock()
	switch {
	case !known:
	case push.Pub != nil:
		c.serverPublished(push.Channel, push.Pub)
	case push.Unsubscribe != nil:
		c.mu.Lock()
		delete(c.server, push.Channel)
		c.mu.Unlock()
		if c.options.OnServerUnsubscribe != nil {
			c.options.OnServerUnsubscribe(push.Channel, push.Unsubscribe.Code)
		}
	}
}

func (c *Client) serverPublished(channel string, p *protocol.Publication) {
	c.mu.Lock()
	if at := c.server[channel]; at != nil && p.Offset > 0 {
		at.Offset = p.Offset
	}
	c.mu.Unlock()
	if c.options.OnServerPublication != nil {
		c.options.OnServerPublication(channel, p)
	}
}
