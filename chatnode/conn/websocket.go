package conn

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// Subprotocol is a WebSocket subprotocol that the server speaks, and the framing that goes with it.
type Subprotocol struct {
	Name    string
	Framing Framing
}

// upgradeBuffers makes gorilla keep no write buffer: nothing is written through it after the handshake.
type upgradeBuffers struct{}

func (upgradeBuffers) Get() any { return nil }
func (upgradeBuffers) Put(any)  {}

// AcceptWebSocket upgrades the request. The first of subprotocols that the client offers is chosen; if there is none the subprotocol is "" and
// the framing WSText. newHandler gets the open connection and may already write to it; its error closes the connection, with the code of
// a *CloseError if it is one. The error that is returned has been answered to the client.
//
// AcceptWebSocket returns as soon as the connection is open, and the HTTP handler should return then too, which frees the request.
func (s *Server) AcceptWebSocket(w http.ResponseWriter, r *http.Request, subprotocols []Subprotocol,
	newHandler func(c *Conn, subprotocol string) (Handler, error)) error {
	address, err := s.admit(w, r, "websocket")
	if err != nil {
		return err
	}
	in := &inbound{}
	ws, err := s.upgrade(hijacker{w, in, new(bool)}, r, subprotocols)
	if err != nil {
		s.readmit(address)
		s.metrics.refused.WithLabelValues("handshake").Inc()
		return fmt.Errorf("websocket handshake: %w", err)
	}
	in.open = true
	c := &Conn{server: s, address: address, framing: framingOf(subprotocols, ws.Subprotocol()), link: newLink(in.Conn), ws: ws, in: in}
	in.conn = c
	c.watchControl()
	err = c.start(func() (Handler, error) { return newHandler(c, ws.Subprotocol()) })
	if err != nil {
		c.close(refusalOf(err))
	}
	c.rest()
	return err
}

func (s *Server) upgrade(w hijacker, r *http.Request, subprotocols []Subprotocol) (*websocket.Conn, error) {
	upgrader := websocket.Upgrader{
		HandshakeTimeout: s.options.FrameTimeout,
		WriteBufferPool:  upgradeBuffers{},
		// Checked already, when the request was admitted.
		CheckOrigin: func(*http.Request) bool { return true },
		Error: func(_ http.ResponseWriter, _ *http.Request, status int, reason error) {
			if !*w.taken { // else there is nobody to answer to any more
				answer(w, status, reason.Error())
			}
		},
	}
	for _, p := range subprotocols {
		upgrader.Subprotocols = append(upgrader.Subprotocols, p.Name)
	}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(int64(s.options.FrameBytes))
	return ws, nil
}

func framingOf(subprotocols []Subprotocol, chosen string) Framing {
	for _, p := range subprotocols {
		if p.Name == chosen {
			return p.Framing
		}
	}
	return WSText
}

// watchControl has control frames answered on the one way out. A client's close frame is answered by read.
func (c *Conn) watchControl() {
	ws, in := c.ws, c.in
	ws.SetPingHandler(func(data string) error {
		in.controlSeen()
		c.Write(appendWebSocket(nil, opPong, []byte(data)))
		return nil
	})
	ws.SetPongHandler(func(string) error {
		in.controlSeen()
		return nil
	})
	ws.SetCloseHandler(func(int, string) error { return nil })
}

// read is a WebSocket's own goroutine, as long as it needs one.
func (c *Conn) read() {
	in := c.in
	in.borrow()
	err := c.receive()
	if errors.Is(err, errParked) {
		return
	}
	var remote *websocket.CloseError
	var own *CloseError
	var linger func()
	switch {
	case in.failed != nil && !isTimeout(in.failed):
		c.abort(&CloseError{Code: codeAbnormal, Remote: true, Err: in.failed})
	case in.failed != nil:
		// After Close this is the end of the client's time to answer, and the call changes nothing.
		if c.close(&CloseError{Code: c.server.options.SlowCode, Reason: "message took too long"}) {
			c.server.metrics.slow.WithLabelValues("sending").Inc()
		}
		linger = in.discard
	case errors.As(err, &remote):
		c.close(&CloseError{Code: remote.Code, Reason: remote.Text, Remote: true})
	case errors.As(err, &own):
		c.close(own)
		linger = in.discard
	case errors.Is(err, websocket.ErrReadLimit):
		c.close(&CloseError{Code: codeTooBig, Reason: fmt.Sprintf("message over %d bytes", c.server.options.FrameBytes)})
		linger = in.discard
	default:
		c.close(&CloseError{Code: codeProtocol, Reason: err.Error()})
		linger = in.discard
	}
	c.finish(linger)
}

// receive hands message after message to the handler and returns why it stopped.
func (c *Conn) receive() error {
	in := c.in
	for {
		kind, message, err := c.ws.NextReader()
		if err != nil {
			return err
		}
		in.within = true
		payload, err := readMessage(message)
		if err == nil && kind == websocket.TextMessage && !utf8.Valid(payload) {
			err = &CloseError{Code: codeNotUTF8, Reason: "text is not UTF-8"}
		}
		if err != nil {
			giveBuffer(payload)
			return err
		}
		in.messageEnded()
		c.frame(payload)
		giveBuffer(payload)
		if !in.begun && c.pause() {
			return errParked
		}
	}
}

// readMessage reads to the end into a borrowed buffer.
func readMessage(message io.Reader) ([]byte, error) {
	payload := takeBuffer()
	for {
		if len(payload) == cap(payload) {
			payload = append(payload, 0)[:len(payload)]
		}
		n, err := message.Read(payload[len(payload):cap(payload)])
		payload = payload[:len(payload)+n]
		if err == io.EOF {
			return payload, nil
		}
		if err != nil {
			return payload, err
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// refusalOf is how a connection ends that no handler wanted.
func refusalOf(err error) *CloseError {
	var own *CloseError
	if errors.As(err, &own) {
		return own
	}
	return &CloseError{Code: codeInternal, Reason: "connection could not be set up"}
}
