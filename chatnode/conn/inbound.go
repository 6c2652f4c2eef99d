package conn

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// readBuffer is what gorilla reads ahead: enough for most commands in one read. It is most of what an idle connection holds besides its stack.
const readBuffer = 512

// inbound is what gorilla takes for the network. It sees when bytes come, so it knows when a message has begun and can give it a deadline,
// and it keeps gorilla from writing: pongs and close frames go out with everything else.
type inbound struct {
	net.Conn
	conn *Conn
	br   *bufio.Reader
	// open is set after the handshake, which gorilla does write.
	open bool
	// begun: a part of a message, or of a control frame, is here. within: it is a message's, so a control frame does not end it. armed: the
	// rest has a deadline, which is given only when a second read is needed, so that small messages cost no timer.
	begun, within, armed bool
	// failed is the error of the network itself.
	failed error
}

func (in *inbound) Read(p []byte) (int, error) {
	if in.begun && !in.armed {
		in.armed = true
		in.readBy(time.Now().Add(in.conn.server.options.FrameTimeout))
	}
	n, err := in.Conn.Read(p)
	if n > 0 {
		in.begun = true
		in.conn.server.metrics.received.Add(float64(n))
	}
	in.failed = err
	return n, err
}

func (in *inbound) Write(p []byte) (int, error) {
	if in.open {
		return len(p), nil
	}
	return in.Conn.Write(p)
}

// messageEnded is called when a whole message has been taken; the next one may have come with it.
func (in *inbound) messageEnded() {
	in.within = false
	in.begun = in.br.Buffered() > 0
	if in.armed {
		in.armed = false
		in.readBy(time.Time{})
	}
}

// controlSeen is called when a whole control frame has been taken.
func (in *inbound) controlSeen() {
	if !in.within {
		in.messageEnded()
	}
}

// readBy sets the deadline of a message, unless closing has set one.
func (in *inbound) readBy(t time.Time) {
	c := in.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing.Load() {
		c.link.readBy(t)
	}
}

// discard reads to the end, or to the deadline that closing has set.
func (in *inbound) discard() {
	waste := takeBuffer()
	defer giveBuffer(waste)
	for {
		if _, err := in.Conn.Read(waste[:cap(waste)]); err != nil {
			return
		}
	}
}

// hijacker slips inbound, with a small buffer of our own, between the socket and gorilla.
type hijacker struct {
	http.ResponseWriter
	in *inbound
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.in.Conn = c
	if rw.Reader.Buffered() > 0 {
		// Bytes before our answer: gorilla refuses and closes.
		return c, rw, nil
	}
	h.in.br = bufio.NewReaderSize(h.in, readBuffer)
	return h.in, bufio.NewReadWriter(h.in.br, rw.Writer), nil
}
