package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// pingGrace is how long after the time for a ping the server is given up.
const pingGrace = 10 * time.Second

// run reads until the client is closed, over all connections.
func (c *Client) run() {
	defer close(c.done)
	for {
		err := c.read()
		c.lost(err)
		if c.ctx.Err() == nil && (!c.options.Reconnect || !mayReturn(err)) {
			c.end(err, false)
		}
		if c.ctx.Err() != nil || !c.comeBack() {
			c.dropWaiting(ErrClosed)
			return
		}
	}
}

// mayReturn tells whether the server wants the client back.
func mayReturn(err error) bool {
	var told protocol.Disconnect
	if !errors.As(err, &told) {
		return true
	}
	return told.Reconnect() || told.Code < 3000 && told.Code != 1009
}

// read handles frames until the connection ends.
func (c *Client) read() error {
	c.mu.Lock()
	w := c.wire
	c.mu.Unlock()
	for {
		replies, err := w.receive()
		if err != nil {
			w.cut()
			return err
		}
		for _, reply := range replies {
			c.handle(w, reply)
		}
	}
}

func (c *Client) handle(w *wire, reply *protocol.Reply) {
	switch {
	case reply.IsPing():
		if !c.options.MutePings {
			w.send(&protocol.Command{})
		}
	case reply.Push != nil:
		c.pushed(reply.Push)
	default:
		c.mu.Lock()
		then := c.waiting[reply.ID]
		delete(c.waiting, reply.ID)
		c.mu.Unlock()
		if then != nil {
			then(reply, nil)
		}
	}
}

// lost tells everybody that the connection has ended.
func (c *Client) lost(err error) {
	c.mu.Lock()
	c.wire = nil
	closed := c.err
	c.mu.Unlock()
	c.dropWaiting(ErrDisconnected)
	if c.options.OnDisconnect == nil {
		return
	}
	if errors.Is(closed, ErrClosed) {
		err = nil
	}
	c.options.OnDisconnect(err)
}

func (c *Client) dropWaiting(why error) {
	c.mu.Lock()
	waiting := c.waiting
	c.waiting = map[uint32]func(*protocol.Reply, error){}
	c.mu.Unlock()
	for _, then := range waiting {
		then(nil, why)
	}
}

// comeBack connects again; false if the client is closed or must stay away.
func (c *Client) comeBack() bool {
	for delay := c.options.MinDelay; ; delay = min(2*delay, c.options.MaxDelay) {
		pause := time.NewTimer(delay/2 + rand.N(delay))
		select {
		case <-c.ctx.Done():
			pause.Stop()
			return false
		case <-pause.C:
		}
		c.turn()
		err := c.connect(c.ctx)
		if err == nil {
			return true
		}
		if c.ctx.Err() != nil {
			return false
		}
		if !c.mayTryAgain(err) {
			c.end(err, false)
			return false
		}
	}
}

// mayTryAgain tells whether the failure of a connect may pass; it gets a new token if that is what is needed.
func (c *Client) mayTryAgain(err error) bool {
	var refused *protocol.Error
	if !errors.As(err, &refused) {
		return mayReturn(err)
	}
	if !errors.Is(err, protocol.ErrorTokenExpired) || c.options.GetToken == nil {
		return refused.Temporary
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.options.Timeout)
	defer cancel()
	if token, err := c.options.GetToken(ctx); err == nil {
		c.setToken(token)
	}
	return true
}

func (c *Client) setToken(token string) {
	c.mu.Lock()
	c.token = token
	c.mu.Unlock()
}

// connect dials, sends the connect command, and subscribes to everything again.
func (c *Client) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	c.mu.Lock()
	url := c.urls[0]
	c.mu.Unlock()
	w, err := dial(ctx, url, c.options)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, w.cut)
	defer stop()
	result, more, err := c.introduce(w)
	if err != nil {
		w.cut()
		return err
	}
	w.silence = time.Duration(result.Ping)*time.Second + pingGrace
	c.mu.Lock()
	c.wire, c.result = w, result
	resume := c.resume()
	c.mu.Unlock()
	if c.options.OnConnect != nil {
		c.options.OnConnect(result)
	}
	c.serverSubscribed(result.Subs)
	if len(resume) > 0 {
		w.send(resume...)
	}
	for _, reply := range more {
		c.handle(w, reply)
	}
	return nil
}

// introduce sends the connect command and waits for its answer, the first thing that the server says; more came in the same frame.
func (c *Client) introduce(w *wire) (result *protocol.ConnectResult, more []*protocol.Reply, err error) {
	c.mu.Lock()
	c.lastID++
	q := &protocol.ConnectRequest{Token: c.token, Name: c.options.Name, Subs: map[string]*protocol.SubscribeRequest{}}
	command := &protocol.Command{ID: c.lastID, Connect: q}
	for channel, at := range c.server {
		q.Subs[channel] = &protocol.SubscribeRequest{Recover: true, Epoch: at.Epoch, Offset: at.Offset}
	}
	c.mu.Unlock()
	w.send(command)
	replies, err := w.receive()
	switch {
	case err != nil:
		return nil, nil, err
	case replies[0].Error != nil:
		return nil, nil, replies[0].Error
	case replies[0].Connect == nil:
		return nil, nil, errors.New("the server's first word is no connect result")
	}
	return replies[0].Connect, replies[1:], nil
}
