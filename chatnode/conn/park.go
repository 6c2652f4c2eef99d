package conn

import (
	"errors"
	"time"
)

// A WebSocket whose client says nothing is parked: it has no goroutine, whose stack would be most of its memory, and epoll tells when
// there is something to read. A busy client keeps its goroutine, for parking costs about as much as a message. Where that is not possible
// (TLS, other systems than Linux) a goroutine waits instead.

// errParked says that receive ended because the connection is parked.
var errParked = errors.New("parked")

// parkable is a link with a descriptor that epoll can watch.
type parkable interface {
	// control calls f with the descriptor, which stays open meanwhile; an error if it is closed already.
	control(f func(fd uintptr)) error
}

// busyGap is the most time between the messages of a busy client.
const busyGap = time.Second

// rest waits for what the client says next.
func (c *Conn) rest() {
	if !c.park() {
		go c.read()
	}
}

// pause is called between two messages. It parks the connection unless more is to be expected soon; true: the reader must end.
func (c *Conn) pause() bool {
	return c.mayPark() && !c.in.expectMore() && c.park()
}

func (c *Conn) mayPark() bool {
	_, ok := c.link.(parkable)
	return ok && c.server.parker != nil
}

// park leaves the connection to the parker; false if it has to be read now.
func (c *Conn) park() bool {
	if !c.mayPark() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false // the end of the time for closing must be waited for
	}
	err := c.link.(parkable).control(func(fd uintptr) {
		if c.server.parker.watch(int(fd), c) {
			c.place = int(fd)
			c.in.giveBack()
		}
	})
	return err == nil && c.place != 0
}

// wake reads on if the connection is parked at that place.
func (c *Conn) wake(place int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if place != 0 && c.place == place {
		c.place = 0
		go c.read()
	}
}

// unpark needs mu. It has the connection read although the client said nothing.
func (c *Conn) unpark() {
	if c.place != 0 {
		c.server.parker.forget(c.place, c)
		c.place = 0
		go c.read()
	}
}
