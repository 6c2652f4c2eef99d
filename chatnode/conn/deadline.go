package conn

import "time"

// longest is as far as a deadline can be; the wheel's numbers would wrap a little later.
const longest = 10 * 365 * 24 * time.Hour

// After has Handler.Deadline(kind) called once after d, 200 ms late at most, for d up to 10 years; kind is from 0 to Deadlines-1. Setting it
// again replaces the time. It panics on an unknown kind.
func (c *Conn) After(d time.Duration, kind int) {
	s := c.server
	d = min(max(d, 0), longest)
	s.wheel.set(&c.timer, kind, s.tick(s.options.Now().Add(d+wheelTick-1)))
}

// Cancel takes a deadline back. If it is called within a method of the handler, Deadline(kind) does not come any more.
func (c *Conn) Cancel(kind int) {
	c.server.wheel.cancel(&c.timer, kind)
}

// tick is the wheel's number of a time.
func (s *Server) tick(t time.Time) uint32 { return uint32(t.Sub(s.started)/wheelTick) + 1 }

// turnWheel tells the handlers what falls due, until the server is closed.
func (s *Server) turnWheel() {
	defer close(s.stopped)
	ticker := time.NewTicker(wheelTick)
	defer ticker.Stop()
	var due []*Conn
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
		}
		due = s.wheel.advance(s.tick(s.options.Now()), due[:0])
		for _, c := range due {
			c.deliverTimes()
		}
		clear(due)
	}
}
