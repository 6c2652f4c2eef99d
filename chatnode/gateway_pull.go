package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/chat"
	"github.com/chatfleet/chatfleet/chatnode/gateway/pull"
)

// pullOptions say where clients of distributed-chat come in, and how they speak.
type pullOptions struct {
	listen, app, dialect string
}

func (o *pullOptions) declare(d *declaration) {
	d.begin("Clients of distributed-chat")
	d.str(&o.listen, "pull-listen", "", "`address` for /ping, /api/send and /api/pull, such as :8081. They show no identity: whoever reaches it reads and writes, as anybody, all direct conversations of --pull-app")
	d.str(&o.app, "pull-app", chat.DefaultApp, "the application that these chats belong to: a:b is the direct conversation of its users a and b")
	d.str(&o.dialect, "pull-dialect", string(pull.Default), "how these clients speak: default, or byte for byte as one family of servers, a, b or c")
}

func (o *pullOptions) check() error {
	if err := chat.CheckApp(o.app); err != nil {
		return errors.New("--pull-app: " + err.Error())
	}
	if _, err := pull.ParseDialect(o.dialect); err != nil {
		return errors.New("--pull-dialect: " + err.Error())
	}
	return nil
}

// pullPorts is the gateway for clients of distributed-chat, and the port on which it is reached.
type pullPorts struct {
	options pullOptions
	port    net.Listener
	gateway *pull.Gateway
	server  *http.Server
}

func (p *pullPorts) bind(take taker) (err error) {
	p.port, err = take(p.options.listen, "--pull-listen")
	return err
}

func (p *pullPorts) open(n *node) (err error) {
	p.gateway, err = pull.New(pull.Options{
		Chat: n.chat, Log: n.messages, Hub: n.hub, App: p.options.app, Dialect: pull.Dialect(p.options.dialect),
		Registerer: n.registry, Logger: n.log,
	})
	return err
}

func (p *pullPorts) serve(n *node) {
	p.server = newHTTPServer(p.gateway)
	n.run(p.server, p.port)
	n.log.Info("serving clients of distributed-chat", "address", address(p.port, n.o.protocols.secure("pull")), "app", p.options.app, "dialect", p.options.dialect)
}

// refuse ends connections with the answer that is under way, so that clients connect to other nodes.
func (p *pullPorts) refuse() { p.server.SetKeepAlivesEnabled(false) }

// drain answers, for as long as others take connections over, and then what is under way.
func (p *pullPorts) drain(ctx context.Context, period time.Duration) error {
	return drainHTTP(ctx, period, p.server)
}

func (p *pullPorts) close() {
	if p.server != nil {
		_ = p.server.Close()
	}
	if p.port != nil {
		_ = p.port.Close()
	}
	if p.gateway != nil {
		p.gateway.Close()
	}
}
