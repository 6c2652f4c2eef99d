package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/people"
)

// protocolGateway is a gateway for clients of another system, on ports of its own. The methods are called in this order; close is called whatever
// came before it, also if bind has failed.
type protocolGateway interface {
	// bind takes the ports, so that a node that can't have them says so at once.
	bind() error
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

// protocolOptions are those of the gateways for clients of other systems, each of which is off unless it has an address to listen on.
type protocolOptions struct {
	heimdallr heimdallrOptions
	pull      pullOptions
	push      pushOptions
	comet     cometOptions
	mqtt      mqttOptions
}

func (o *protocolOptions) declare(d *declaration) {
	o.heimdallr.declare(d)
	o.pull.declare(d)
	o.push.declare(d)
	o.comet.declare(d)
	o.mqtt.declare(d)
}

func (o *protocolOptions) check() error {
	return errors.Join(o.heimdallr.check(), o.pull.check(), o.push.check(), o.comet.check(), o.mqtt.check())
}

// bind gives the gateways that are wanted, with their ports; those that could not have theirs too, to be closed.
func (o *protocolOptions) bind() (wanted []protocolGateway, err error) {
	if o.heimdallr.listen != "" {
		wanted = append(wanted, &heimdallrPorts{options: o.heimdallr})
	}
	if o.pull.listen != "" {
		wanted = append(wanted, &pullPorts{options: o.pull})
	}
	if o.push.listen != "" {
		wanted = append(wanted, &pushPort{options: o.push})
	}
	if o.comet.listen != "" {
		wanted = append(wanted, &cometPorts{options: o.comet})
	}
	if o.mqtt.wanted() {
		wanted = append(wanted, &mqttPorts{options: o.mqtt})
	}
	for _, p := range wanted {
		if err := p.bind(); err != nil {
			return wanted, err
		}
	}
	return wanted, nil
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
