package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/heimdallr"
)

// heimdallrOptions say where clients of heimdallr come in, and which rooms they see.
type heimdallrOptions struct {
	listen, healthListen, adminListen string
	app                               string
}

func (o *heimdallrOptions) declare(d *declaration) {
	d.begin("Clients of heimdallr")
	d.str(&o.listen, "heimdallr-listen", "", "`address` for WebSockets on /{room}, such as :8000. They show no identity: whoever reaches it reads and writes all rooms of --heimdallr-app")
	d.str(&o.app, "heimdallr-app", chat.DefaultApp, "the application that these rooms belong to: room 7 is room:7 there")
	d.str(&o.healthListen, "heimdallr-health-listen", "", "`address`, such as :8099, that answers a load balancer as long as the node takes clients of heimdallr")
	d.str(&o.adminListen, "heimdallr-admin-listen", "", "`address`, such as :8090, for /stats, /health/up, /health/down and /failover of heimdallr; it asks nobody who they are")
}

func (o *heimdallrOptions) check() error {
	if o.listen == "" && (o.healthListen != "" || o.adminListen != "") {
		return errors.New("--heimdallr-health-listen and --heimdallr-admin-listen need --heimdallr-listen")
	}
	if err := chat.CheckApp(o.app); err != nil {
		return errors.New("--heimdallr-app: " + err.Error())
	}
	return nil
}

// heimdallrPorts is the gateway for clients of heimdallr, and the ports on which it is reached. Its connections are among the node's.
type heimdallrPorts struct {
	options      heimdallrOptions
	rooms, admin net.Listener
	health       *heimdallr.Health
	gateway      *heimdallr.Gateway
	servers      []*http.Server
}

func (p *heimdallrPorts) bind(take taker) (err error) {
	if p.rooms, err = take(p.options.listen, "--heimdallr-listen"); err != nil {
		return err
	}
	if p.options.adminListen != "" {
		if p.admin, err = take(p.options.adminListen, "--heimdallr-admin-listen"); err != nil {
			return err
		}
	}
	if p.options.healthListen != "" {
		var first net.Listener
		if first, err = listen(p.options.healthListen, "--heimdallr-health-listen"); err != nil {
			return err
		}
		p.health = heimdallr.NewHealth(first)
	}
	return nil
}

func (p *heimdallrPorts) open(n *node) error {
	p.gateway = heimdallr.New(heimdallr.Options{
		Conns: n.conns, Chat: n.chat, Hub: n.hub, App: p.options.app, Health: p.health, Registerer: n.registry, Logger: n.log,
	})
	return nil
}

func (p *heimdallrPorts) serve(n *node) {
	p.answer(n, p.rooms, p.gateway.Rooms())
	if p.admin != nil {
		p.answer(n, p.admin, p.gateway.Admin())
	}
	if p.health != nil {
		p.health.Serve()
	}
	n.log.Info("serving clients of heimdallr", "rooms", address(p.rooms, n.o.protocols.secure("heimdallr")), "app", p.options.app)
}

func (p *heimdallrPorts) answer(n *node, l net.Listener, handler http.Handler) {
	s := newHTTPServer(handler)
	p.servers = append(p.servers, s)
	n.run(s, l)
}

// refuse has load balancers take the node out, and the clients that are closed from now on told to connect elsewhere.
func (p *heimdallrPorts) refuse() { p.gateway.Leave() }

func (p *heimdallrPorts) drain(context.Context, time.Duration) error { return nil }

func (p *heimdallrPorts) close() {
	for _, s := range p.servers {
		_ = s.Close()
	}
	for _, l := range []net.Listener{p.rooms, p.admin} {
		if l != nil {
			_ = l.Close()
		}
	}
	if p.health != nil {
		p.health.Close()
	}
	if p.gateway != nil {
		p.gateway.Close()
	}
}
