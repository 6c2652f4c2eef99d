package conn

import (
	"encoding/binary"
	"time"
	"unicode/utf8"
)

// Close ends the connection: what is queued still goes out, then a close frame with this code and reason (on a streamed response what
// Farewell gives, then the end of the response), within the close timeout. Only the first call counts. It does not wait.
func (c *Conn) Close(code int, reason string) {
	c.close(&CloseError{Code: code, Reason: reason})
}

func (c *Conn) close(cause *CloseError) (first bool) {
	bye := c.goodbye(cause)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.begin(cause) {
		return false
	}
	if len(bye) > 0 {
		c.enqueue(bye)
	}
	if c.flushing {
		c.link.writeBy(c.closeBy)
	} else {
		c.startFlush()
	}
	return true
}

// begin needs mu. It takes the decision to end the connection, once, and has the handler told.
func (c *Conn) begin(cause *CloseError) bool {
	if c.closing.Load() {
		return false
	}
	c.cause = cause
	if c.flushed == nil {
		c.flushed = make(chan struct{})
	}
	c.closeBy = time.Now().Add(c.server.options.CloseTimeout)
	c.closing.Store(true)
	c.server.metrics.closedBy(cause)
	c.events.Or(eventClosed)
	// Not on the caller's stack: it may hold locks that the handler wants.
	go c.deliver()
	return true
}

// abort ends the connection at once; what is queued is lost.
func (c *Conn) abort(cause *CloseError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.abortLocked(cause)
}

// abortLocked needs mu.
func (c *Conn) abortLocked(cause *CloseError) {
	c.begin(cause)
	c.link.close()
	c.count(-len(c.queue))
	c.queue = nil
	if !c.flushing {
		c.endFlush()
	}
}

// endFlush needs mu. Nothing is written from here on; the client has the close timeout to answer.
func (c *Conn) endFlush() {
	if c.ended {
		return
	}
	c.ended = true
	wait := c.server.options.CloseTimeout
	if c.server.options.Abrupt {
		wait = 0 // a client that is told nothing has nothing to answer
	}
	c.link.readBy(time.Now().Add(wait))
	if c.framing == Raw {
		c.in.closeWrite()
	}
	close(c.flushed)
	c.unpark()
}

// goodbye is the last thing that the client gets.
func (c *Conn) goodbye(cause *CloseError) []byte {
	var bye []byte
	c.mu.Lock()
	handler := c.handler
	c.mu.Unlock()
	if farewell, ok := handler.(Farewell); ok && !cause.Remote {
		bye = farewell.Farewell(cause.Code, cause.Reason)
	}
	if c.framing.webSocket() && (cause.Remote || !c.server.options.Abrupt) {
		bye = appendWebSocket(bye, opClose, closePayload(cause))
	}
	return bye
}

// closePayload is the content of a close frame: at most 125 bytes, and empty where a code must not be sent (RFC 6455, section 7.4.1).
func closePayload(cause *CloseError) []byte {
	code, reason := cause.Code, cause.Reason
	if code < 1000 || code > 4999 || code == 1004 || code == codeNone || code == codeAbnormal || code == 1015 {
		return nil
	}
	if cause.Remote {
		reason = ""
	}
	const room = 125 - 2
	for len(reason) > room {
		_, size := utf8.DecodeLastRuneInString(reason)
		reason = reason[:len(reason)-size]
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)
}

// finish is the last thing that a connection's own goroutine does: it waits until everything has left, then lets go of the socket.
// Before that it reads on for a refused client, because to close a socket with unread bytes destroys what was sent last.
func (c *Conn) finish(linger func()) {
	<-c.flushed
	if linger != nil {
		linger()
	}
	c.link.leave()
	c.server.release(c)
}
