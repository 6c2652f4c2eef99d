package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// ErrDisconnected says that the connection broke before the answer. What was asked may have happened.
var ErrDisconnected = errors.New("disconnected")

// ErrClosed says that the client was closed, or has been told to stay away.
var ErrClosed = errors.New("the client is closed")

// Client is one user's connection, or a succession of them. Its methods are safe for concurrent use.
type Client struct {
	urls    []string
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	done    chan struct{}

	mu      sync.Mutex
	wire    *wire // nil while there is no connection
	token   string
	lastID  uint32
	waiting map[uint32]func(*protocol.Reply, error)
	subs    map[string]*Subscription
	// server holds the positions of the server's own subscriptions.
	server map[string]*protocol.StreamPosition
	result *protocol.ConnectResult
	err    error // why the client is closed
}

// Dial connects to the first of the addresses (separated by commas; http://host:port or ws://host:port/path) that answers; coming back,
// the client goes through them in turn. Errors: those of the network, *protocol.Error, protocol.Disconnect.
func Dial(ctx context.Context, addresses string, o Options) (*Client, error) {
	c := &Client{
		options: o.withDefaults(), token: o.Token, done: make(chan struct{}),
		waiting: map[uint32]func(*protocol.Reply, error){}, subs: map[string]*Subscription{},
		server: map[string]*protocol.StreamPosition{},
	}
	for _, address := range strings.Split(addresses, ",") {
		c.urls = append(c.urls, endpoint(strings.TrimSpace(address)))
	}
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	var err error
	for range c.urls {
		if err = c.connect(ctx); err == nil {
			go c.run()
			return c, nil
		}
		c.turn()
	}
	c.cancel()
	return nil, err
}

// endpoint is the WebSocket address of a node.
func endpoint(address string) string {
	if rest, ok := strings.CutPrefix(address, "http"); ok {
		return "ws" + strings.TrimSuffix(rest, "/") + "/connection/websocket"
	}
	return address
}

// turn puts the first address last.
func (c *Client) turn() {
	c.mu.Lock()
	c.urls = append(c.urls[1:], c.urls[0])
	c.mu.Unlock()
}

// Connected gives the latest connect result.
func (c *Client) Connected() *protocol.ConnectResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.result
}

// Close ends the connection with a close frame and waits for the last callback. It must not be called in a callback.
func (c *Client) Close() {
	c.end(ErrClosed, true)
	<-c.done
}

// Cut breaks the connection without a word, as a network does.
func (c *Client) Cut() {
	c.mu.Lock()
	w := c.wire
	c.mu.Unlock()
	if w != nil {
		w.cut()
	}
}

// Done is closed when the client is closed or has been told to stay away; Err says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the client is closed, or nil.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// end makes the client stay away.
func (c *Client) end(why error, politely bool) {
	c.mu.Lock()
	if c.err == nil {
		c.err = why
	}
	w := c.wire
	c.mu.Unlock()
	c.cancel()
	if w != nil && politely {
		w.close()
	}
	if w != nil {
		w.cut()
	}
}

// Do sends a command and gives its answer. The command's id is set. Errors: *protocol.Error, ErrDisconnected, ErrClosed, the context's.
func (c *Client) Do(ctx context.Context, command *protocol.Command) (*protocol.Reply, error) {
	type outcome struct {
		reply *protocol.Reply
		err   error
	}
	answer := make(chan outcome, 1)
	id, err := c.begin(command, func(reply *protocol.Reply, err error) { answer <- outcome{reply, err} })
	if err != nil {
		return nil, err
	}
	select {
	case got := <-answer:
		if got.err == nil && got.reply.Error != nil {
			return nil, got.reply.Error
		}
		return got.reply, got.err
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return nil, fmt.Errorf("wait for an answer: %w", ctx.Err())
	}
}

// begin sends commands in one frame; then is called once, when the answer is there or the connection has ended.
func (c *Client) begin(command *protocol.Command, then func(*protocol.Reply, error)) (uint32, error) {
	c.mu.Lock()
	w := c.wire
	if w == nil || c.err != nil {
		err := ErrDisconnected
		if c.err != nil {
			err = ErrClosed
		}
		c.mu.Unlock()
		return 0, err
	}
	c.number(command, then)
	c.mu.Unlock()
	// A write that fails ends the connection, which answers the command.
	w.send(command)
	return command.ID, nil
}

// number needs mu.
func (c *Client) number(command *protocol.Command, then func(*protocol.Reply, error)) {
	c.lastID++
	command.ID = c.lastID
	c.waiting[command.ID] = then
}
