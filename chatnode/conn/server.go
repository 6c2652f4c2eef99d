package conn

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Server accepts connections and ends them.
type Server struct {
	options Options
	origins origins
	metrics *metrics
	wheel   wheel
	parker  *parker
	started time.Time
	stop    chan struct{}
	stopped chan struct{}
	closed  sync.Once

	mu    sync.Mutex
	conns map[*Conn]struct{}
	// held counts admitted connections, those in their handshake too; held by address only where there is a limit.
	held      int
	byAddress map[netip.Addr]int
	rate      bucket
	draining  bool
	// empty is closed when the server drains and holds nothing.
	empty chan struct{}
}

// New returns a server that admits connections. It registers its metrics, which panics if the registerer has them already. Close frees what
// it holds.
func New(o Options) *Server {
	o = o.withDefaults()
	s := &Server{
		options:   o,
		origins:   newOrigins(o.Origins),
		metrics:   newMetrics(o.Registerer),
		started:   o.Now(),
		stop:      make(chan struct{}),
		stopped:   make(chan struct{}),
		conns:     make(map[*Conn]struct{}),
		byAddress: make(map[netip.Addr]int),
		rate:      bucket{perSecond: float64(o.HandshakesPerSecond)},
		empty:     make(chan struct{}),
		parker:    newParker(),
	}
	s.wheel.init(o.PingInterval)
	go s.turnWheel()
	return s
}

// Connections is how many connections there are, those in their handshake or closing too.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// enter lets the server see a connection that has its handler.
func (s *Server) enter(c *Conn) {
	s.metrics.accepted.WithLabelValues(c.framing.String()).Inc()
	s.metrics.connections.WithLabelValues(c.framing.String()).Inc()
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	s.wheel.add(&c.timer, rand.Float64())
}

// release forgets a connection whose socket is closed.
func (s *Server) release(c *Conn) {
	s.wheel.remove(&c.timer)
	s.mu.Lock()
	_, entered := s.conns[c]
	delete(s.conns, c)
	s.mu.Unlock()
	if entered {
		s.metrics.connections.WithLabelValues(c.framing.String()).Dec()
	}
	s.readmit(c.address)
}

// Close closes all connections with code 1001, waits until they are gone or three times the close timeout are over, and stops. A closed server
// admits nobody. The pulses and deadlines of connections that are still there end.
func (s *Server) Close() {
	s.closed.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*s.options.CloseTimeout)
		defer cancel()
		// What is left after this time waits for a handler that does not return.
		_ = s.Drain(ctx, 0, codeGoingAway, "server closed")
		close(s.stop)
		<-s.stopped
		s.parker.close()
	})
}
