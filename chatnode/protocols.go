package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/people"
)

// protocolGateway is a gateway for clients of another system, on ports of its own. The methods are called in this order; close is called whatever
// came before it, also if bind has failed.
type protocolGateway interface {
	// bind takes the ports, so that a node that can't have them says so at once. Those for clients it takes with take, which makes them
	// speak TLS if they are to.
	bind(take taker) error
	// open makes the gateway, on the chat, the fan-out, the log and the connections that the node has by then.
	open(n *node) error
	// serve answers clients from now on; whatever ends that before close goes to n.fail.
	serve(n *node)
	// refuse has newcomers go to other nodes.
	refuse()
	// drain closes, evenly over the period, the connections that are not among those of node.conns, which the node drains itself.
	drain(ctx context.Context, period time.Duration) error
	// close ends what is left and frees the ports.
	close()
}

// taker listens on an address that a flag gives.
type taker func(address, flag string) (net.Listener, error)

// protocolOptions are those of the gateways for clients of other systems, each of which is off unless it has an address to listen on.
type protocolOptions struct {
	heimdallr heimdallrOptions
	pull      pullOptions
	push      pushOptions
	comet     cometOptions
	mqtt      mqttOptions
	// tls are the names of protocols whose ports speak it.
	tls string
}

// protocolNames are those of the protocols, as they begin their flags.
var protocolNames = []string{"heimdallr", "pull", "push", "comet", "mqtt"}

func (o *protocolOptions) declare(d *declaration) {
	o.heimdallr.declare(d)
	o.pull.declare(d)
	o.push.declare(d)
	o.comet.declare(d)
	o.mqtt.declare(d)
	d.begin("Clients of these systems over TLS")
	d.str(&o.tls, "protocols-tls", "", "`list`, separated by commas, of those whose ports speak TLS with --tls-cert: "+strings.Join(protocolNames, ", "))
}

func (o *protocolOptions) check(certificate bool) error {
	var errs []error
	if o.tls != "" && !certificate {
		errs = append(errs, errors.New("--protocols-tls needs --tls-cert and --tls-key"))
	}
	for _, name := range list(o.tls) {
		if !slices.Contains(protocolNames, name) {
			errs = append(errs, fmt.Errorf("--protocols-tls are some of %s, and not %q", strings.Join(protocolNames, ", "), name))
		}
	}
	return errors.Join(append(errs, o.heimdallr.check(), o.pull.check(), o.push.check(), o.comet.check(), o.mqtt.check())...)
}

// secure says whether the ports of a protocol speak TLS.
func (o *protocolOptions) secure(name string) bool { return slices.Contains(list(o.tls), name) }

// wanted are the gateways that are to be there, by the names of their protocols.
func (o *protocolOptions) wanted() map[string]protocolGateway {
	all := map[string]protocolGateway{}
	if o.heimdallr.listen != "" {
		all["heimdallr"] = &heimdallrPorts{options: o.heimdallr}
	}
	if o.pull.listen != "" {
		all["pull"] = &pullPorts{options: o.pull}
	}
	if o.push.listen != "" {
		all["push"] = &pushPort{options: o.push}
	}
	if o.comet.listen != "" {
		all["comet"] = &cometPorts{options: o.comet}
	}
	if o.mqtt.wanted() {
		all["mqtt"] = &mqttPorts{options: o.mqtt}
	}
	return all
}

// bindProtocols takes the ports of the gateways that are wanted. Those that could not have theirs are among n.protocols too, to be closed.
func (n *node) bindProtocols() error {
	wanted := n.o.protocols.wanted()
	for _, name := range protocolNames {
		p, ok := wanted[name]
		if !ok {
			continue
		}
		n.protocols = append(n.protocols, p)
		take := taker(listen)
		if n.o.protocols.secure(name) {
			config, err := n.tlsConfig()
			if err != nil {
				return err
			}
			take = over(config)
		}
		if err := p.bind(take); err != nil {
			return err
		}
	}
	return nil
}

// drainHTTP goes on answering for the period, and then until what is under way has been answered.
func drainHTTP(ctx context.Context, period time.Duration, server *http.Server) error {
	timer := time.NewTimer(period)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return server.Shutdown(ctx)
}

func (n *node) openProtocols() error {
	for _, p := range n.protocols {
		if err := p.open(n); err != nil {
			return err
		}
		if known, ok := p.(interface{ Devices() people.Devices }); ok {
			n.everywhere.Add(known.Devices())
		}
	}
	return nil
}

// drainProtocols begins to drain all of them, and gives what waits for their end.
func (n *node) drainProtocols(ctx context.Context, period time.Duration) (wait func() error) {
	ends := make(chan error, len(n.protocols))
	for _, p := range n.protocols {
		go func() { ends <- p.drain(ctx, period) }()
	}
	return func() error {
		var errs []error
		for range n.protocols {
			errs = append(errs, <-ends)
		}
		return errors.Join(errs...)
	}
}

// connections counts those of clients, by whichever protocol.
func (n *node) connections() int {
	sum := n.conns.Connections()
	for _, p := range n.protocols {
		if counter, ok := p.(interface{ Connections() int }); ok {
			sum += counter.Connections()
		}
	}
	return sum
}
