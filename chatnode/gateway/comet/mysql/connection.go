package mysql

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// connection is one client, and runs on one goroutine.
type connection struct {
	server *Server
	id     uint32
	socket net.Conn
	packets
	handler    Handler
	statements statements

	mu sync.Mutex
	// idle is true while the next command is awaited; ending, that none is taken any more.
	idle, ending bool
}

// run serves the client to the end.
func (c *connection) run() {
	defer c.server.forget(c)
	plain := c.socket
	defer func() { _ = plain.Close() }()
	if err := c.login(); err != nil {
		c.server.options.Refused(reasonOf(err))
		c.server.options.Logger.Debug("a client of the MySQL protocol did not get in", "client", plain.RemoteAddr().String(), "error", err)
		return
	}
	for {
		if err := c.serveOne(); err != nil {
			return
		}
	}
}

// reasonOf says, in a word, why a client did not get in.
func reasonOf(err error) string {
	var told *Error
	if errors.As(err, &told) && told.Code == CodeBlocked {
		return "blocked"
	}
	return "login"
}

// raw is the socket itself, which can be closed from anywhere.
func (c *connection) raw() net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.socket.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c.socket
}

// login is everything up to the first command. An error has been told to the client, as far as that is possible.
func (c *connection) login() error {
	_ = c.socket.SetDeadline(time.Now().Add(c.server.options.HandshakeTimeout))
	l, err := c.handshake()
	if err == nil {
		ctx, cancel := context.WithTimeout(c.server.ctx, c.server.options.HandshakeTimeout)
		defer cancel()
		c.handler, err = c.server.options.Login(ctx, l)
		if err == nil && l.Database != "" {
			err = c.handler.Use(l.Database)
		}
		if err == nil {
			err = c.writeOK(0, 0)
		} else {
			err = errors.Join(err, c.writeError(err))
		}
	}
	if errors.Is(err, errMalformed) {
		err = errors.Join(err, c.writeError(&Error{Code: 12, Message: "Bad handshake"}))
	}
	return errors.Join(err, c.flush())
}

// await waits for the first byte of the next command, which then has to come quickly.
func (c *connection) await() error {
	c.mu.Lock()
	if c.ending {
		c.mu.Unlock()
		return errEnding
	}
	c.idle = true
	_ = c.socket.SetDeadline(time.Now().Add(c.server.options.IdleTimeout))
	c.mu.Unlock()
	_, err := c.in.Peek(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = false
	if err == nil {
		_ = c.socket.SetDeadline(time.Now().Add(c.server.options.PacketTimeout))
	}
	return err
}

// endWhenIdle has the connection end before its next command.
func (c *connection) endWhenIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ending = true
	if c.idle {
		_ = c.socket.SetDeadline(time.Unix(1, 0))
	}
}

// serveOne takes one command and answers it.
func (c *connection) serveOne() error {
	if err := c.await(); err != nil {
		return err
	}
	c.number = 0
	command, err := c.read()
	began := time.Now()
	switch {
	case errors.Is(err, errTooLong) && command[0] == comSendLongData:
		c.statements.lose(command[1:])
		err = nil // since the client expects no answer
	case errors.Is(err, errTooLong):
		err = c.writeError(errTooMuch)
	case err != nil:
		return err
	default:
		// The answer is bounded by QueryTimeout, and by this for a client that doesn't take it.
		_ = c.socket.SetDeadline(time.Now().Add(c.server.options.QueryTimeout + c.server.options.WriteTimeout))
		err = c.answer(command)
	}
	err = errors.Join(err, c.flush())
	c.server.options.Answered(time.Since(began))
	return err
}
