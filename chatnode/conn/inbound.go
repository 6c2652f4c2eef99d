package conn

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// readBuffer is what gorilla reads ahead: enough for most commands in one read. A parked connection has none.
const readBuffer = 512

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// inbound is what gorilla takes for the network. It sees when bytes come, so it knows when a message has begun and can give it a deadline,
// and it keeps gorilla from writing: pongs and close frames go out with everything else.
type inbound struct {
	net.Conn
	conn *Conn
	// br is gorilla's as well; its buffer is that of lent, which is nil while there is none.
	br, lent *bufio.Reader
	// open is set after the handshake, which gorilla does write.
	open bool
	// begun: a part of a message, or of a control frame, is here. within: it is a message's, so a control frame does not end it. armed: the
	// rest has a deadline, which is given only when a second read is needed, so that small messages cost no timer.
	begun, within, armed bool
	// spoke is when the last message ended; until is the deadline of the wait for the next one, or zero; expecting: that goes on.
	spoke, until time.Time
	expecting    bool
	// failed is the error of the network itself.
	failed error
}

// borrow gives br a buffer if it has none.
func (in *inbound) borrow() {
	if in.lent == nil {
		in.lent = readers.Get().(*bufio.Reader)
		*in.br = *in.lent
		in.br.Reset(in)
	}
}

// giveBack takes br's buffer, in which nothing is left.
func (in *inbound) giveBack() {
	readers.Put(in.lent)
	*in.br, in.lent = bufio.Reader{}, nil
}

func (in *inbound) Read(p []byte) (int, error) {
	switch {
	case !in.begun && !in.expecting:
		in.expectNothing() // a control frame was taken, and gorilla waits for the message behind it
	case in.begun && !in.armed:
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

// SetWriteDeadline keeps gorilla from hurrying what goes out on our way.
func (in *inbound) SetWriteDeadline(t time.Time) error {
	if in.open {
		return nil
	}
	return in.Conn.SetWriteDeadline(t)
}

// messageEnded is called when a whole message has been taken; the next one may have come with it.
func (in *inbound) messageEnded() {
	in.within = false
	in.begun = in.br.Buffered() > 0
	if in.armed {
		in.armed = false
		in.until = time.Time{}
		in.readBy(in.until)
	}
}

// expectMore waits for the next message of a client that has just sent two; false if none has come.
func (in *inbound) expectMore() bool {
	now := time.Now()
	busy := now.Sub(in.spoke) < busyGap
	in.spoke = now
	for busy {
		// Seldom set anew, so that many messages share one timer.
		if in.until.Sub(now) < busyGap {
			in.until = now.Add(2 * busyGap)
			in.readBy(in.until)
		}
		in.expecting = true
		_, err := in.br.Peek(1)
		in.expecting = false
		if !isTimeout(err) {
			return true
		}
		now = time.Now()
		// Before its time the deadline is that of closing.
		busy = !now.Before(in.until) && now.Sub(in.spoke) < busyGap
	}
	in.expectNothing()
	return false
}

// expectNothing takes back the deadline that expectMore has set.
func (in *inbound) expectNothing() {
	if !in.until.IsZero() {
		in.until = time.Time{}
		in.readBy(in.until)
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

// errEarly says that a client sent more than its request before it could know the answer. What lies in the HTTP server's buffer would not
// wake a parked connection.
var errEarly = errors.New("bytes before the end of the handshake")

// hijacker slips inbound, with a small buffer of our own, between the socket and gorilla.
type hijacker struct {
	http.ResponseWriter
	in *inbound
	// taken is true once the HTTP server has given the socket away.
	taken *bool
}

func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	*h.taken = true
	if rw.Reader.Buffered() > 0 {
		return nil, nil, errors.Join(errEarly, c.Close())
	}
	h.in.Conn = c
	h.in.br = new(bufio.Reader)
	h.in.borrow()
	return h.in, bufio.NewReadWriter(h.in.br, rw.Writer), nil
}
