package conn

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Conn is one client connection, whatever the transport. Its methods may be called from any goroutine.
type Conn struct {
	server  *Server
	link    link
	address netip.Addr
	framing Framing

	// turn is held while a method of handler runs; see turn.go.
	turn    sync.Mutex
	handler Handler
	over    bool
	events  atomic.Uint32

	timer timer

	// ws and in belong to whoever reads a WebSocket.
	ws *websocket.Conn
	in *inbound

	// mu guards what follows. It is held during a write that does not block, never during one that does, nor while handler runs.
	mu sync.Mutex
	// queue waits; backlog counts it and what the flusher has yet to write.
	queue   []byte
	backlog int
	// written is how many bytes Write has taken.
	written uint64
	// flushing says that somebody is bound to look at queue again.
	flushing bool
	// closing is set once, with cause; it is atomic so that it can be read without mu.
	closing atomic.Bool
	cause   *CloseError
	closeBy time.Time
	// flushed is closed when the last byte has left, or never will; it is made when closing begins, to keep idle connections small.
	flushed chan struct{}
	ended   bool
	// place is where the connection is parked; 0 if it is not.
	place int
}

// Framing is how frames for this connection are built.
func (c *Conn) Framing() Framing { return c.framing }

// Binary says whether the message that Handler.Frame is taking came as bytes and not as text. Nobody but Frame may ask.
func (c *Conn) Binary() bool { return c.in != nil && c.in.binary }

// RemoteAddr is the client's IP address, without a port: the peer's, or what trusted proxies report.
func (c *Conn) RemoteAddr() string { return c.address.String() }

// Backlog is how many bytes wait in the queue. With TLS and streamed responses every write passes through the queue, so there a few bytes
// for a moment do not mean that the client is slow.
func (c *Conn) Backlog() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.backlog
}

// Unsent is Backlog and what the kernel holds that the client's side has not taken yet, where the platform tells. A client that reads
// nothing while much is sent has some.
func (c *Conn) Unsent() int {
	waiting := c.Backlog()
	if l, ok := c.link.(interface{ unsent() int }); ok {
		waiting += l.unsent()
	}
	return waiting
}

// Written is how many bytes Write has taken so far.
func (c *Conn) Written() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// Arrived is how many of those bytes the client's side has at least, as far as the platform tells that; none if the connection is closing.
func (c *Conn) Arrived() uint64 {
	written := c.Written() // before the rest, so that what is written meanwhile makes it less
	unsent := uint64(c.Unsent())
	if c.closing.Load() {
		return 0
	}
	return written - min(unsent, written)
}

// Write sends bytes that are framed already. It never blocks and never changes or keeps wire, which may be shared with other connections.
// False means that the queue is full and nothing of wire was taken; Handler.Drained follows. A frame larger than the queue is taken when
// nothing else waits. On a connection that is closing or gone the bytes are dropped, which is counted, and the answer is true.
func (c *Conn) Write(wire []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing.Load() {
		c.server.metrics.discarded.Inc()
		return true
	}
	if c.backlog > 0 && c.backlog+len(wire) > c.server.options.QueueBytes {
		c.server.metrics.refusedWrites.Inc()
		return false
	}
	c.written += uint64(len(wire))
	rest := wire
	if !c.flushing {
		n, err := c.link.attempt(wire)
		c.server.metrics.sent.Add(float64(n))
		if err != nil {
			c.abortLocked(&CloseError{Code: codeAbnormal, Remote: true, Err: err})
			return true
		}
		rest = wire[n:]
	}
	c.enqueue(rest)
	return true
}

// enqueue needs mu. It copies rest and sees to it that it is flushed.
func (c *Conn) enqueue(rest []byte) {
	if len(rest) == 0 {
		return
	}
	if c.queue == nil {
		c.queue = takeBuffer()
	}
	c.queue = append(c.queue, rest...)
	c.count(len(rest))
	c.startFlush()
}

// count needs mu. It keeps the metric of queued bytes in step with backlog.
func (c *Conn) count(delta int) {
	c.backlog += delta
	c.server.metrics.queued.Add(float64(delta))
}
