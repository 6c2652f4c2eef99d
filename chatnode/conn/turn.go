package conn

// Something that a handler is to be told is noted as a bit. Whoever notes it delivers it, if no method of the handler runs at the moment;
// if one runs, whoever called it delivers it afterwards. So nobody waits for a handler but the reader with its next frame, and above all
// not the wheel.
const (
	eventClosed uint32 = 1 << iota
	eventDrained
	eventPulse
	eventDeadline // and the next bits, one for each kind

	allEvents = ^uint32(0)
)

// post notes an event and delivers what can be delivered, on the caller's stack.
func (c *Conn) post(event uint32) {
	c.events.Or(event)
	c.deliver()
}

// deliver hands over the noted events. If TryLock fails, whoever has the lock comes here after unlocking.
func (c *Conn) deliver() {
	for c.events.Load() != 0 && c.turn.TryLock() {
		c.runEvents(allEvents)
		c.turn.Unlock()
	}
}

// deliverTimes is deliver for the wheel: what may take its time, as Closed after a deadline, is left to a goroutine.
func (c *Conn) deliverTimes() {
	if !c.turn.TryLock() {
		return
	}
	c.runEvents(allEvents &^ (eventClosed | eventDrained))
	c.turn.Unlock()
	if c.events.Load() != 0 {
		go c.deliver()
	}
}

// runEvents needs turn. It hands over those of the noted events that are in which; nothing overtakes the end.
func (c *Conn) runEvents(which uint32) {
	for {
		noted := c.events.Load()
		if noted&eventClosed != 0 && which&eventClosed == 0 {
			return
		}
		if c.over || noted&eventClosed != 0 {
			c.events.Store(0)
			c.runClosed()
			return
		}
		if noted &= which; noted == 0 {
			return
		}
		one := noted & -noted
		if c.events.And(^one)&one != 0 && c.handler != nil {
			c.run(one)
		}
	}
}

func (c *Conn) run(event uint32) {
	switch event {
	case eventDrained:
		c.handler.Drained()
	case eventPulse:
		if c.Backlog() == 0 {
			c.handler.Pulse()
		}
	default:
		for kind := range Deadlines {
			if event == eventDeadline<<kind {
				c.handler.Deadline(kind)
			}
		}
	}
}

func (c *Conn) runClosed() {
	if c.over {
		return
	}
	c.over = true
	if c.handler != nil {
		c.handler.Closed(c.cause)
	}
}

// start makes the handler; nothing is delivered before. If newHandler panics, which the HTTP server survives, the connection is given up.
func (c *Conn) start(newHandler func() (Handler, error)) error {
	returned := false
	c.timer.conn = c
	c.turn.Lock()
	defer func() {
		c.turn.Unlock()
		c.deliver()
		if !returned {
			c.abort(refusalOf(nil))
			c.server.release(c)
		}
	}()
	handler, err := newHandler()
	returned = true
	if err == nil {
		c.mu.Lock()
		c.handler = handler
		c.mu.Unlock()
		c.server.enter(c)
	}
	return err
}

// frame hands one message over; it waits for its turn.
func (c *Conn) frame(payload []byte) bool {
	c.turn.Lock()
	open := !c.over && !c.closing.Load() && c.handler != nil
	if open {
		c.handler.Frame(payload)
	}
	c.turn.Unlock()
	c.deliver()
	return open
}

// Deliver hands the handler a message that came from the client on another way, as the requests do that stand in for the sending half of a
// streamed response. It waits for its turn and returns when the handler is done with it; false if the connection is closed.
func (c *Conn) Deliver(payload []byte) bool {
	c.server.metrics.received.Add(float64(len(payload)))
	return c.frame(payload)
}
