package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet"
	"github.com/chatfleet/chatfleet/chatnode/gateway/comet/mysql"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// cometOptions say where clients of CppComet come in.
type cometOptions struct {
	listen, sqlListen string
	passwordFile      string
	app, origins      string
}

func (o *cometOptions) declare(d *declaration) {
	d.begin("Clients of CppComet")
	d.str(&o.listen, "comet-listen", "", "`address`, such as :8087, for the WebSockets of browsers")
	d.str(&o.sqlListen, "comet-sql-listen", "", "`address`, such as :3307, for CometQL, which any MySQL client speaks. Whoever has the password may do everything in every application")
	d.str(&o.passwordFile, "comet-password-file", "", "`file` with the password of backends, with which JSON Web Tokens are signed, too; read again when it changes")
	d.str(&o.app, "comet-app", chat.DefaultApp, "the application of tenant 0; tenant 7 is the application 7")
	d.str(&o.origins, "comet-origins", "*", "pages that may open WebSockets, a comma-separated `list` such as https://*.example.com")
}

func (o *cometOptions) check() error {
	var errs []error
	if o.listen == "" && o.sqlListen != "" {
		errs = append(errs, errors.New("--comet-sql-listen needs --comet-listen"))
	}
	if o.listen != "" && o.passwordFile == "" {
		errs = append(errs, errors.New("--comet-listen needs --comet-password-file"))
	}
	if err := chat.CheckApp(o.app); err != nil {
		errs = append(errs, errors.New("--comet-app: "+err.Error()))
	}
	return errors.Join(errs...)
}

// cometPorts is the gateway for clients of CppComet, and the ports on which it is reached. Its connections are its own, since they end
// otherwise than those of other clients.
type cometPorts struct {
	options       cometOptions
	browsers, sql net.Listener
	conns         *conn.Server
	gateway       *comet.Gateway
	server        *http.Server
}

func (p *cometPorts) bind(take taker) (err error) {
	if p.browsers, err = take(p.options.listen, "--comet-listen"); err != nil || p.options.sqlListen == "" {
		return err
	}
	p.sql, err = listen(p.options.sqlListen, "--comet-sql-listen")
	return err
}

// cometFrame is the greatest frame that CppComet takes, and a little more.
const cometFrame = 64 << 10

func (p *cometPorts) open(n *node) error {
	proxies, err := networks(n.o.trustedProxies)
	if err != nil {
		return err
	}
	password, err := follow("password of CometQL", func() ([]byte, error) {
		content, err := os.ReadFile(p.options.passwordFile)
		if content = bytes.TrimSpace(content); err == nil && len(content) == 0 {
			err = errors.New("it is empty")
		}
		return content, err
	}, n.log, p.options.passwordFile)
	if err != nil {
		return fmt.Errorf("--comet-password-file: %w", err)
	}
	p.conns = conn.New(conn.Options{
		MaxConnections: n.o.maxConnections, MaxPerAddress: n.o.maxPerAddress, TrustedProxies: proxies, Origins: list(p.options.origins),
		FrameBytes: cometFrame, QueueBytes: int(n.o.queue), SlowCode: codeSlow, Abrupt: true,
		Registerer: prometheus.WrapRegistererWithPrefix("comet_", n.registry),
	})
	sql := mysql.Options{}
	if n.o.tlsCert != "" {
		if sql.TLS, err = n.tlsConfig(); err != nil {
			return err
		}
	}
	p.gateway, err = comet.New(comet.Options{
		Conns: p.conns, Chat: n.chat, Hub: n.hub, Log: n.messages, Tables: n.messages, App: p.options.app, Password: password.current,
		Name: n.o.name, SQL: sql, MessagesPerSecond: n.o.messagesPerSecond, Registerer: n.registry, Logger: n.log,
	})
	return err
}

func (p *cometPorts) serve(n *node) {
	p.server = newHTTPServer(p.gateway)
	n.run(p.server, p.browsers)
	if p.sql != nil {
		go func() { n.fail(p.gateway.SQL().Serve(p.sql)) }()
	}
	n.log.Info("serving clients of CppComet", "browsers", address(p.browsers, n.o.protocols.secure("comet")), "app", p.options.app)
}

// refuse has no new backend come; those that are here are answered until the end.
func (p *cometPorts) refuse() {
	p.conns.Refuse()
	if p.sql != nil {
		_ = p.sql.Close()
	}
}

func (p *cometPorts) drain(ctx context.Context, period time.Duration) error {
	p.gateway.SQL().Drain(ctx)
	return p.conns.Drain(ctx, period, codeShutdown, "shutdown")
}

// close keeps to the order in which these depend on each other.
func (p *cometPorts) close() {
	if p.server != nil {
		_ = p.server.Close()
	}
	for _, l := range []net.Listener{p.browsers, p.sql} {
		if l != nil {
			_ = l.Close()
		}
	}
	if p.conns != nil {
		p.conns.Close()
	}
	if p.gateway != nil {
		p.gateway.Close()
	}
}

// Devices tells who is here.
func (p *cometPorts) Devices() people.Devices { return p.gateway.Devices }

// Connections is how many browsers there are.
func (p *cometPorts) Connections() int {
	if p.conns == nil {
		return 0
	}
	return p.conns.Connections()
}
