package conn

import (
	"errors"
	"os"
	"time"
)

// startFlush needs mu. The goroutine lives only as long as something is queued.
func (c *Conn) startFlush() {
	if !c.flushing {
		c.flushing = true
		go c.flush()
	}
}

// flush writes what is queued until nothing is, all that waits at a time.
func (c *Conn) flush() {
	wrote := false
	for {
		out := c.take()
		if out == nil {
			break
		}
		wrote = true
		err := c.send(out)
		giveBuffer(out)
		if err != nil {
			c.flushFailed(err)
			return
		}
	}
	if wrote && !c.closing.Load() {
		c.post(eventDrained)
	}
}

// take returns the queue's content, or ends the flusher's work by returning nil.
func (c *Conn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if out := c.queue; out != nil {
		c.queue = nil
		return out
	}
	c.flushing = false
	if c.closing.Load() {
		c.endFlush()
	} else {
		c.link.writeBy(time.Time{})
	}
	return nil
}

// send writes all of out. It fails with os.ErrDeadlineExceeded when no byte has left for the stall timeout, or the time for closing is up.
func (c *Conn) send(out []byte) error {
	for len(out) > 0 {
		started := c.armWrite()
		n, err := c.link.step(out)
		out = out[n:]
		c.mu.Lock()
		c.count(-n)
		c.mu.Unlock()
		c.server.metrics.sent.Add(float64(n))
		if err != nil {
			c.mu.Lock()
			c.count(-len(out))
			c.mu.Unlock()
			// HTTP/2 reports a missed deadline as a stream that was reset.
			if time.Since(started) >= c.server.options.StallTimeout {
				err = os.ErrDeadlineExceeded
			}
			return err
		}
	}
	return nil
}

// armWrite gives the next step its deadline and returns the time.
func (c *Conn) armWrite() time.Time {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing.Load() {
		c.link.writeBy(c.closeBy)
	} else {
		c.link.writeBy(now.Add(c.server.options.StallTimeout))
	}
	return now
}

// flushFailed ends the connection of a flusher whose write failed.
func (c *Conn) flushFailed(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.stalled()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushing = false
	c.abortLocked(&CloseError{Code: codeAbnormal, Remote: true, Err: err})
}

// stalled ends a connection whose client takes nothing. A close frame would not reach it either.
func (c *Conn) stalled() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing.Load() {
		c.server.metrics.slow.WithLabelValues("taking").Inc()
	}
	c.abortLocked(&CloseError{Code: c.server.options.SlowCode, Reason: "took nothing for too long"})
}
