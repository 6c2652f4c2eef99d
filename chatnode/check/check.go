// Package check sends a message into a fleet in one place and sees it come out in another.
//
// In go two addresses and a token; out comes which nodes served it and how long the message took, or which step failed. It is a client:
// it knows what any client knows, and leaves behind one short message in a room of its own.
package check

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// Options of a check.
type Options struct {
	// From and To are where clients connect: http(s):// or ws(s)://host:port, with or without the path of the WebSocket. If both lead to
	// the same node, for example because they name one Service, To is dialled again in the hope of another one.
	From, To string
	// Token of the user; empty: anonymous.
	Token string
	// Across demands that To is another node than From: it is dialled until it is, or ctx ends.
	Across bool
	// Channel to send to; empty: a new room.
	Channel string
	// TLS for https and wss; nil: the authorities of the system.
	TLS *tls.Config
}

// Result of a check that went well.
type Result struct {
	Channel          string
	FromNode, ToNode string // their ids; equal if no other node was found
	Took             time.Duration
}

// String is one line for people.
func (r Result) String() string {
	took := float64(r.Took.Microseconds()) / 1000
	if r.FromNode == r.ToNode {
		return fmt.Sprintf("sent and received on node %s after %.1f ms (%s); no other node was met", r.FromNode, took, r.Channel)
	}
	return fmt.Sprintf("sent on node %s, received on node %s after %.1f ms (%s)", r.FromNode, r.ToNode, took, r.Channel)
}

// dials is how often To is dialled for the sake of another node. Over a Service of two nodes they all fail once in 65,536 checks.
const dials = 16

// Run does the check until ctx ends. The error says which step failed.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Channel == "" {
		o.Channel = "room:check-" + rand.Text()
	}
	from, err := open(ctx, o, o.From)
	if err != nil {
		return Result{}, err
	}
	defer from.close()
	to, err := openOther(ctx, o, from.node)
	if err != nil {
		return Result{}, err
	}
	defer to.close()
	r := Result{Channel: o.Channel, FromNode: from.node, ToNode: to.node}
	if _, err := to.call(&protocol.Command{Subscribe: &protocol.SubscribeRequest{Channel: o.Channel}}); err != nil {
		return r, fmt.Errorf("subscribe to %s at %s: %w", o.Channel, o.To, err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return r, fmt.Errorf("choose the message's id: %w", err)
	}
	request, err := json.Marshal(map[string]string{"id": id.String(), "room": o.Channel, "text": "chatnode check"})
	if err != nil {
		return r, fmt.Errorf("write the message: %w", err)
	}
	began := time.Now()
	if _, err := from.call(&protocol.Command{RPC: &protocol.RPCRequest{Method: "chat.send", Data: request}}); err != nil {
		return r, fmt.Errorf("send to %s at %s: %w", o.Channel, o.From, err)
	}
	if err := to.await(o.Channel, id.String()); err != nil {
		return r, fmt.Errorf("receive at %s what %s has acknowledged: %w", o.To, o.From, err)
	}
	r.Took = time.Since(began)
	return r, nil
}

// redial is how long another node is waited for between two looks, once it can't be by chance that none was met.
const redial = 200 * time.Millisecond

// openOther connects to To, to another node than the given one if there is one.
func openOther(ctx context.Context, o Options, node string) (*connection, error) {
	later := time.NewTicker(redial)
	defer later.Stop()
	for dialled := 1; ; dialled++ {
		c, err := open(ctx, o, o.To)
		if dialled > 1 && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)) {
			return nil, noOther(node, o.To, err)
		}
		if err != nil || c.node != node || dialled == dials && !o.Across {
			return c, err
		}
		c.close()
		if dialled < dials {
			continue
		}
		select {
		case <-later.C:
		case <-ctx.Done():
			return nil, noOther(node, o.To, ctx.Err())
		}
	}
}

func noOther(node, at string, err error) error {
	return fmt.Errorf("no other node than %s was met at %s: %w", node, at, err)
}
