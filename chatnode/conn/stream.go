package conn

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// AcceptStream answers the request with a response that goes on until the connection ends, framed as Lines, LengthPrefixed or SSE, and
// returns then. first, if not nil, is handed to the handler's Frame as its first message (see ReadBody); what the client says later comes
// through Conn.Deliver. An error of newHandler is answered with 500. The error that is returned has been answered to the client.
func (s *Server) AcceptStream(w http.ResponseWriter, r *http.Request, framing Framing, first []byte,
	newHandler func(c *Conn) (Handler, error)) error {
	// Until it has what is left of the request, the HTTP server neither answers nor sees that the client goes.
	if _, err := s.ReadBody(w, r, s.options.FrameBytes); err != nil {
		return err
	}
	address, err := s.admit(w, r, framing.String())
	if err != nil {
		return err
	}
	out := &response{w: w, control: http.NewResponseController(w)}
	// flushing: what newHandler writes waits for the response's head.
	c := &Conn{server: s, address: address, framing: framing, link: out, flushed: make(chan struct{}), flushing: true}
	if err := c.start(func() (Handler, error) { return newHandler(c) }); err != nil {
		s.refuseStream(c, out)
		return fmt.Errorf("set up %s: %w", framing, err)
	}
	s.streamHead(w.Header(), r, framing)
	if err := out.begin(); err != nil {
		c.abort(&CloseError{Code: codeAbnormal, Remote: true, Err: err})
	}
	c.flush()
	if first != nil {
		c.Deliver(first)
	}
	select {
	case <-c.flushed:
	case <-r.Context().Done():
		c.requestEnded(out, r.Context().Err())
	}
	c.finish(nil)
	return nil
}

// requestEnded ends a stream whose request has: the client went away, or the HTTP server saw a missed write deadline before the flusher did.
func (c *Conn) requestEnded(out *response, err error) {
	if out.late() {
		c.stalled()
	} else {
		c.abort(&CloseError{Code: codeAbnormal, Remote: true, Err: err})
	}
}

// refuseStream answers a request whose connection no handler wanted.
func (s *Server) refuseStream(c *Conn, out *response) {
	out.leave()
	c.abort(&CloseError{Code: codeInternal, Reason: "connection could not be set up"})
	answer(out.w, http.StatusInternalServerError, "connection could not be set up")
	s.release(c)
}

func (s *Server) streamHead(header http.Header, r *http.Request, framing Framing) {
	header.Set("Content-Type", framing.contentType())
	header.Set("Cache-Control", "no-store")
	// Or else nginx collects the response before it passes it on.
	header.Set("X-Accel-Buffering", "no")
	allowOrigin(header, r)
}

// response is the link of a streamed HTTP response. The ResponseWriter must not be touched after the HTTP handler has returned, so mu and
// left guard the deadlines; step needs no guard, because the handler waits for the flusher.
type response struct {
	w       http.ResponseWriter
	control *http.ResponseController
	mu      sync.Mutex
	// cut: a write that waits was made to fail. left: the handler has returned, or is about to.
	cut, left bool
	deadline  time.Time
}

// begin sends the head. The read deadline that was the request's would otherwise end the response.
func (r *response) begin() error {
	_ = r.control.SetReadDeadline(time.Time{})
	r.w.WriteHeader(http.StatusOK)
	return r.control.Flush()
}

func (r *response) attempt([]byte) (int, error) { return 0, nil }

func (r *response) step(p []byte) (int, error) {
	n, err := r.w.Write(p[:min(len(p), stepBytes)])
	if err != nil {
		return n, err
	}
	return n, r.control.Flush()
}

func (r *response) writeBy(t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.left {
		r.deadline = t
		_ = r.control.SetWriteDeadline(t)
	}
}

// late says that a write's deadline is over.
func (r *response) late() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.cut && !r.deadline.IsZero() && !time.Now().Before(r.deadline)
}

// readBy does nothing: the request has been read.
func (r *response) readBy(time.Time) {}

// close makes a write that waits fail.
func (r *response) close() {
	r.writeBy(time.Unix(1, 0))
	r.mu.Lock()
	r.cut = true
	r.mu.Unlock()
}

// leave ends the use of the ResponseWriter. It takes the write deadline off, for the next request on the same connection.
func (r *response) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.cut {
		_ = r.control.SetWriteDeadline(time.Time{})
	}
	r.left = true
}
