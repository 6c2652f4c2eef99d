package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/push"
)

// pushOptions say where clients of cHaTTP come in, and how they are answered.
type pushOptions struct {
	listen, app, shape, concurrency string
	closed, interval                bool
}

func (o *pushOptions) declare(d *declaration) {
	d.begin("Clients of cHaTTP")
	d.str(&o.listen, "push-listen", "", "`address` for commands by HTTP and messages by HTTP push, such as :8082. Names and passwords come in URLs: put TLS in front")
	d.str(&o.app, "push-app", chat.DefaultApp, "the application that these users belong to")
	d.str(&o.shape, "push-shape", pushShapes[0], "`gateway` of cHaTTP whose answers these are: cpp or haskell")
	d.yes(&o.closed, "push-closed", "let nobody register. Otherwise whoever reaches the port can take any name of the application that nobody has used yet")
	d.str(&o.concurrency, "push-concurrency", string(push.First), "`which` of several polls of one channel are answered: first, last or broadcast")
	d.yes(&o.interval, "push-interval", "answer a poll for which there is no message with 304 at once, instead of letting it wait")
}

// pushShapes are the names of shapes, by their numbers.
var pushShapes = []string{push.Cpp: "cpp", push.Haskell: "haskell"}

func (o *pushOptions) check() error {
	var errs []error
	if err := chat.CheckApp(o.app); err != nil {
		errs = append(errs, errors.New("--push-app: "+err.Error()))
	}
	if !slices.Contains(pushShapes, o.shape) {
		errs = append(errs, fmt.Errorf("--push-shape is cpp or haskell, not %q", o.shape))
	}
	if !slices.Contains([]push.Concurrency{push.First, push.Last, push.Broadcast}, push.Concurrency(o.concurrency)) {
		errs = append(errs, fmt.Errorf("--push-concurrency is first, last or broadcast, not %q", o.concurrency))
	}
	return errors.Join(errs...)
}

// pushPort is the gateway for clients of cHaTTP, and the port on which it is reached.
type pushPort struct {
	options pushOptions
	clients net.Listener
	gateway *push.Gateway
	server  *http.Server
}

func (p *pushPort) bind(take taker) (err error) {
	p.clients, err = take(p.options.listen, "--push-listen")
	return err
}

func (p *pushPort) open(n *node) (err error) {
	p.gateway, err = push.New(push.Options{
		App: p.options.app, Chat: n.chat, Hub: n.hub, Tables: n.messages, Log: n.messages,
		Shape: push.Shape(slices.Index(pushShapes, p.options.shape)), Closed: p.options.closed,
		Concurrency: push.Concurrency(p.options.concurrency), Interval: p.options.interval,
		Registerer: n.registry, Logger: n.log,
	})
	return err
}

func (p *pushPort) serve(n *node) {
	p.server = newHTTPServer(p.gateway)
	n.run(p.server, p.clients)
	n.log.Info("serving clients of cHaTTP", "address", address(p.clients, n.o.protocols.secure("push")), "app", p.options.app)
}

// refuse answers polls that wait, whose clients come again; a load balancer that looks at /readyz sends them elsewhere.
func (p *pushPort) refuse() {
	p.gateway.Drain()
	p.server.SetKeepAlivesEnabled(false)
}

// drain answers, for as long as others take connections over, and then what is under way.
func (p *pushPort) drain(ctx context.Context, period time.Duration) error {
	return drainHTTP(ctx, period, p.server)
}

func (p *pushPort) close() {
	if p.server != nil {
		_ = p.server.Close()
	}
	if p.clients != nil {
		_ = p.clients.Close()
	}
	if p.gateway != nil {
		p.gateway.Close()
	}
}
