package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/chatnode/gateway/mqtt"
	"github.com/chatfleet/chatfleet/chatnode/people"
)

// mqttOptions say where clients of chat21 come in, and with which key their tokens are signed.
type mqttOptions struct {
	listen, httpListen string
	secretFile         string
}

func (o *mqttOptions) declare(d *declaration) {
	d.begin("Clients of chat21")
	d.str(&o.listen, "mqtt-listen", "", "`address` for MQTT 3.1.1 over TCP, such as :1883")
	d.str(&o.httpListen, "mqtt-http-listen", "", "`address` for MQTT over WebSocket on /ws, and for chat21's HTTP API on /api, such as :15675")
	d.str(&o.secretFile, "mqtt-jwt-secret-file", "", "`file` with the secret of chat21's HS256 tokens, of any length; read again when it changes")
}

func (o *mqttOptions) wanted() bool { return o.listen != "" || o.httpListen != "" }

func (o *mqttOptions) check() error {
	if o.wanted() && o.secretFile == "" {
		return errors.New("--mqtt-listen and --mqtt-http-listen need --mqtt-jwt-secret-file, to know users by")
	}
	return nil
}

// mqttPorts is the gateway for clients of chat21, and the ports on which it is reached. Its connections are among the node's.
type mqttPorts struct {
	options mqttOptions
	tcp     net.Listener
	web     net.Listener
	tokens  *auth.Verifier
	gateway *mqtt.Gateway
	server  *http.Server
}

func (p *mqttPorts) bind(take taker) (err error) {
	if p.options.listen != "" {
		if p.tcp, err = take(p.options.listen, "--mqtt-listen"); err != nil {
			return err
		}
	}
	if p.options.httpListen != "" {
		p.web, err = take(p.options.httpListen, "--mqtt-http-listen")
	}
	return err
}

func (p *mqttPorts) open(n *node) (err error) {
	p.tokens, err = auth.New(context.Background(), auth.Options{HMACSecretFile: p.options.secretFile, ShortSecret: true, Logger: n.log})
	if err != nil {
		return err
	}
	p.gateway = mqtt.New(mqtt.Options{
		Conns: n.conns, Chat: n.chat, Hub: n.hub, Log: n.messages, Tokens: p.tokens, Version: version,
		Webhook:    n.o.hooks.forChat21(),
		Registerer: n.registry, Logger: n.log,
	})
	return nil
}

func (p *mqttPorts) serve(n *node) {
	if p.tcp != nil {
		go func() {
			if err := p.gateway.ServeTCP(p.tcp); err != nil {
				n.fail(err)
			}
		}()
		n.log.Info("serving clients of chat21", "mqtt", p.tcp.Addr().String(), "tls", n.o.protocols.secure("mqtt"))
	}
	if p.web != nil {
		mux := http.NewServeMux()
		p.gateway.Register(mux)
		p.server = newHTTPServer(mux)
		n.run(p.server, p.web)
		n.log.Info("serving clients of chat21", "http", address(p.web, n.o.protocols.secure("mqtt")))
	}
}

// Devices tells who is here.
func (p *mqttPorts) Devices() people.Devices { return p.gateway.Devices }

// refuse does nothing: the node's connections refuse newcomers.
func (p *mqttPorts) refuse() {}

func (p *mqttPorts) drain(context.Context, time.Duration) error { return nil }

func (p *mqttPorts) close() {
	if p.server != nil {
		_ = p.server.Close()
	}
	for _, l := range []net.Listener{p.tcp, p.web} {
		if l != nil {
			_ = l.Close()
		}
	}
	if p.gateway != nil {
		p.gateway.Close()
	}
	if p.tokens != nil {
		p.tokens.Close()
	}
}
