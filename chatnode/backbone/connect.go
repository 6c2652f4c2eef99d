package backbone

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// NATSOptions say how to reach NATS.
type NATSOptions struct {
	// URL is one or more server addresses, separated by commas; empty means an embedded server.
	URL string
	// Credentials, CA, Cert and Key are files; each may be empty. Cert and Key are read again at each connect.
	Credentials, CA, Cert, Key string
}

// connect opens the connections that are not open.
func (b *Backbone) connect() (err error) {
	if b.main == nil {
		if b.main, err = b.dial("clients", b.mainEvents()); err != nil {
			return err
		}
	}
	if b.live == nil {
		if b.live, err = b.dial("owner", b.liveEvents()); err != nil {
			return err
		}
	}
	if b.rows == nil {
		b.rows, err = b.dial("tables", b.rowsEvents())
	}
	return err
}

// connected is whether all connections are there.
func (b *Backbone) connected() bool {
	return b.main.IsConnected() && b.live.IsConnected() && b.rows.IsConnected()
}

func (b *Backbone) dial(purpose string, events []nats.Option) (*nats.Conn, error) {
	o := append([]nats.Option{
		nats.Name("chatnode " + b.o.Name + " (" + purpose + ")"),
		nats.CustomInboxPrefix(b.layout.Inbox(b.id)),
		nats.Timeout(2 * time.Second), nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.PingInterval(2 * time.Second), nats.MaxPingsOutstanding(2),
		// A write holds the connection's lock, so that no ping finds a server that hangs before this.
		nats.FlusherTimeout(2 * time.Second),
		// Otherwise a connection ends for good when one server refuses it twice, for example while credentials are being changed.
		nats.IgnoreAuthErrorAbort(),
		// What can't be sent now is sent again by whoever wanted it, and must not go out late.
		nats.ReconnectBufSize(-1),
		nats.ErrorHandler(b.asyncError),
	}, events...)
	if b.server != nil {
		o = append(o, nats.InProcessServer(b.server))
	} else {
		o = append(o, b.o.NATS.security()...)
	}
	nc, err := nats.Connect(b.o.NATS.URL, o...)
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return nil, fmt.Errorf("connect to NATS at %s: nobody answers there; is it running?", b.o.NATS.redacted())
	case err != nil:
		return nil, fmt.Errorf("connect to NATS at %s: %w", b.o.NATS.redacted(), err)
	}
	return nc, nil
}

// redacted is the addresses without their passwords, for people to read.
func (o NATSOptions) redacted() string {
	var shown []string
	for _, address := range strings.Split(o.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(address))
		if err != nil {
			shown = append(shown, "an address that is none")
			continue
		}
		shown = append(shown, u.Redacted())
	}
	return strings.Join(shown, ",")
}

func (o NATSOptions) security() (options []nats.Option) {
	if o.Credentials != "" {
		options = append(options, nats.UserCredentials(o.Credentials))
	}
	if o.CA != "" {
		options = append(options, nats.RootCAs(o.CA))
	}
	if o.Cert != "" {
		options = append(options, nats.Secure(&tls.Config{
			MinVersion: tls.VersionTLS12,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				pair, err := tls.LoadX509KeyPair(o.Cert, o.Key)
				return &pair, err
			},
		}))
	}
	return options
}

// mainEvents: after a reconnect, live messages may have been missed.
func (b *Backbone) mainEvents() []nats.Option {
	return []nats.Option{nats.ReconnectHandler(func(nc *nats.Conn) {
		b.metrics.reconnects.Inc()
		b.log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
		b.listen.checkSoon()
	}), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
		if b.ctx.Err() == nil {
			b.log.Warn("lost the connection to NATS", "error", err)
		}
	})}
}

// liveEvents: without the connection, this node can't know what it owns.
func (b *Backbone) liveEvents() []nats.Option {
	return []nats.Option{nats.ReconnectHandler(func(*nats.Conn) {
		b.metrics.reconnects.Inc()
	}), nats.DisconnectErrHandler(func(*nats.Conn, error) {
		if b.ctx.Err() == nil {
			b.election.abandon("its connection to NATS was lost")
		}
	})}
}

// rowsEvents: reads and writes of rows are repeated by themselves, and watches begin anew.
func (b *Backbone) rowsEvents() []nats.Option {
	return []nats.Option{nats.ReconnectHandler(func(*nats.Conn) {
		b.metrics.reconnects.Inc()
	}), nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
		if b.ctx.Err() == nil {
			b.log.Warn("lost the connection of tables to NATS", "error", err)
		}
	})}
}

// asyncError hears of messages that the client library had to drop.
func (b *Backbone) asyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		b.metrics.liveDropped.Inc()
		b.listen.checkSoon()
		return
	}
	subject := ""
	if sub != nil {
		subject = sub.Subject
	}
	b.log.Warn("NATS reported an error", "error", err, "subject", subject)
}

// machine names what must go on running for acknowledged messages to be safe from a loss of power; empty if nothing has to.
func (b *Backbone) machine() string {
	switch {
	case b.o.Strict || b.replicas > 1:
		return ""
	case b.server != nil:
		return bootID()
	case b.live.ConnectedClusterName() == "":
		return b.live.ConnectedServerId()
	default:
		return "" // one replica somewhere in a cluster: which server it is can't be told from here
	}
}
