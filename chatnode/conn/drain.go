package conn

import (
	"context"
	"fmt"
	"math"
	"time"
)

// drainSlice is the time between two slices of a drain; a slice of a 30 s drain is 1/300 of the connections.
const drainSlice = 100 * time.Millisecond

// Drain admits nobody from now on (503) and closes the connections with code and reason, in even slices over the period, so that they come
// back to other nodes one after the other. It returns nil as soon as no connection is left, or ctx's error.
func (s *Server) Drain(ctx context.Context, period time.Duration, code int, reason string) error {
	s.Refuse()
	total := len(s.open())
	began := time.Now()
	ticker := time.NewTicker(drainSlice)
	defer ticker.Stop()
	for {
		left := 0.0
		if passed := time.Since(began); passed < period {
			left = 1 - float64(passed)/float64(period)
		}
		s.closeDownTo(int(math.Ceil(float64(total)*left)), code, reason)
		select {
		case <-s.empty:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("drain with %d connections left: %w", s.Connections(), ctx.Err())
		case <-ticker.C:
		}
	}
}

// Refuse admits nobody from now on: newcomers are told, with 503 and Retry-After, to come again. Those who are here stay.
func (s *Server) Refuse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	s.checkEmpty()
}

// closeDownTo closes connections until at most keep are open.
func (s *Server) closeDownTo(keep int, code int, reason string) {
	open := s.open()
	for _, c := range open[:max(0, len(open)-keep)] {
		c.Close(code, reason)
	}
}

// open returns the connections that are not closing yet, in no order.
func (s *Server) open() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []*Conn
	for c := range s.conns {
		if !c.closing.Load() {
			open = append(open, c)
		}
	}
	return open
}
