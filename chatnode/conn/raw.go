package conn

import (
	"fmt"
	"net"
)

// AcceptRaw serves a bare socket, whose protocol knows no HTTP. The handler's Frame gets the bytes as they come, some of them at a time, and
// puts its messages together itself: how long one may take is for it to watch. newHandler is that of AcceptWebSocket. AcceptRaw does not
// wait for the client; if it returns an error, the socket is closed.
func (s *Server) AcceptRaw(socket net.Conn, newHandler func(c *Conn) (Handler, error)) error {
	address, _ := parseAddress(socket.RemoteAddr().String())
	if refused := s.reserve(address); refused != nil {
		s.metrics.refused.WithLabelValues(refused.label).Inc()
		_ = socket.Close()
		return fmt.Errorf("%w (client %s)", refused, address)
	}
	in := &inbound{Conn: socket, open: true}
	c := &Conn{server: s, address: address, framing: Raw, link: newLink(socket), in: in}
	in.conn = c
	in.start()
	err := c.start(func() (Handler, error) { return newHandler(c) })
	if err != nil {
		c.close(refusalOf(err))
	}
	c.rest()
	return err
}

// receiveRaw hands what comes to the handler and returns why it stopped.
func (c *Conn) receiveRaw() error {
	in := c.in
	for {
		if _, err := in.br.Peek(1); err != nil {
			return err
		}
		chunk, _ := in.br.Peek(in.br.Buffered())
		_, _ = in.br.Discard(len(chunk)) // the bytes stay where they are until more is read
		in.messageEnded()
		c.frame(chunk)
		if c.pause() {
			return errParked
		}
	}
}
