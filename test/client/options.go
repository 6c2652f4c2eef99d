package client

import (
	"context"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// Options of a client. The zero value is an anonymous user who speaks JSON and stays away after a disconnect.
//
// Callbacks run one at a time, in the order of what happened, on the goroutine that reads: they must not wait, and not call a method of
// the client that takes a context.
type Options struct {
	Token string
	// GetToken, if set, gives a new token when the server says that the old one has expired.
	GetToken func(ctx context.Context) (string, error)
	Encoding protocol.Encoding
	// Name is told to the server.
	Name string
	// Reconnect makes the client come back and resume its subscriptions, unless the server says that it must not.
	Reconnect bool
	// MinDelay and MaxDelay bound the pause before an attempt to come back, which grows and is chosen at random; 20 ms and 2 s.
	MinDelay, MaxDelay time.Duration
	// Timeout bounds a dial with its connect command; 10 s.
	Timeout time.Duration
	// Through, if set, is the host:port that is dialled for every address, as for a proxy that goes by the host in the request.
	Through string
	// MutePings leaves the server's pings unanswered.
	MutePings bool

	// OnConnect is told each connect result.
	OnConnect func(*protocol.ConnectResult)
	// OnDisconnect is told each end of a connection, with a protocol.Disconnect if the server gave a code, and the final one by Close
	// with nil.
	OnDisconnect func(error)
	// OnServerPublication is told the publications of the server's own subscriptions.
	OnServerPublication func(channel string, p *protocol.Publication)
	// OnServerUnsubscribe is told the end of one of them.
	OnServerUnsubscribe func(channel string, code uint32)
}

func (o Options) withDefaults() Options {
	setDefault(&o.MinDelay, 20*time.Millisecond)
	setDefault(&o.MaxDelay, 2*time.Second)
	setDefault(&o.Timeout, 10*time.Second)
	return o
}

func setDefault(field *time.Duration, value time.Duration) {
	if *field == 0 {
		*field = value
	}
}

// SubscribeOptions of one subscription. Callbacks are as those of Options.
type SubscribeOptions struct {
	// Token is a subscription token.
	Token string
	// Since, if set, is the position to recover from.
	Since     *protocol.StreamPosition
	JoinLeave bool

	// OnSubscribed is told each result, the first one and those after reconnects, before the publications in it.
	OnSubscribed  func(*protocol.SubscribeResult)
	OnPublication func(*protocol.Publication)
	OnJoin        func(*protocol.ClientInfo)
	OnLeave       func(*protocol.ClientInfo)
	// OnUnsubscribed is told that the server ended the subscription for good, or refused to renew it (then a *protocol.Error).
	OnUnsubscribed func(error)
}
