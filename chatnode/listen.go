package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

func listen(address, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program; choose another address with %s", address, flag)
	case err != nil:
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// over listens as listen does, for clients who come with TLS. It names no application protocol, so that any client may.
func over(config *tls.Config) taker {
	return func(address, flag string) (net.Listener, error) {
		l, err := listen(address, flag)
		if err != nil {
			return nil, err
		}
		return tls.NewListener(l, config), nil
	}
}

// tlsConfig serves the certificate of clients.
func (n *node) tlsConfig() (*tls.Config, error) {
	c, err := loadCertificate(n.o.tlsCert, n.o.tlsKey, n.log)
	if err != nil {
		return nil, err
	}
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}, nil
}

// Time limits of HTTP, which do not concern WebSockets and streams once they are open.
const (
	headerWait  = 10 * time.Second
	requestWait = 20 * time.Second
	answerWait  = 60 * time.Second
	idleWait    = 60 * time.Second
	headerBytes = 64 << 10
)

// newHTTPServer speaks HTTP/1.1 within these limits.
func newHTTPServer(handler http.Handler) *http.Server {
	s := &http.Server{
		Handler: handler, ReadHeaderTimeout: headerWait, ReadTimeout: requestWait, WriteTimeout: answerWait, IdleTimeout: idleWait,
		MaxHeaderBytes: headerBytes, Protocols: new(http.Protocols),
	}
	s.Protocols.SetHTTP1(true)
	return s
}

func serveOn(s *http.Server, l net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(l, "", "")
	}
	return s.Serve(l)
}

func address(l net.Listener, secure bool) string {
	if secure {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// ignoreClosed leaves out what only says that somebody else has closed the server or its listener already.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// run serves on the listener until somebody closes the server. What ends it otherwise ends the node.
func (n *node) run(s *http.Server, l net.Listener) {
	go func() { n.fail(serveOn(s, l)) }()
}

// fail ends the node with the first error of those that come.
func (n *node) fail(err error) {
	select {
	case n.failed <- err:
	default:
	}
}
