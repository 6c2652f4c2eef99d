package heimdallr

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// welcome is what load balancers are answered.
const welcome = "Welcome to Heimdallr"

// Time limits of a load balancer's request.
const (
	healthWait  = 10 * time.Second
	healthBytes = 8 << 10
)

// Health is a port that answers load balancers while clients should come here, and is closed otherwise.
type Health struct {
	address string

	mu     sync.Mutex
	l      net.Listener // nil while down
	server *http.Server // nil before Serve and while down
	closed bool
	work   sync.WaitGroup
}

// NewHealth answers on the listener after Serve, and later on others with the same address.
func NewHealth(l net.Listener) *Health { return &Health{address: l.Addr().String(), l: l} }

// Serve begins to answer.
func (h *Health) Serve() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.serve()
}

// serve needs mu.
func (h *Health) serve() {
	if h.l == nil || h.server != nil {
		return
	}
	s := &http.Server{
		Handler: http.HandlerFunc(greet), ReadTimeout: healthWait, WriteTimeout: healthWait, IdleTimeout: healthWait, MaxHeaderBytes: healthBytes,
	}
	h.server = s
	l := h.l
	h.work.Go(func() { _ = s.Serve(l) }) // it ends when Down or Close closes it
}

func greet(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/":
		answer(w, http.StatusNotFound, noResource)
	case r.Method != http.MethodGet:
		refuseMethod(w)
	default:
		answer(w, http.StatusOK, welcome)
	}
}

// Up opens the port, if it isn't open. The error is one of listening.
func (h *Health) Up() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.l != nil {
		return nil
	}
	l, err := net.Listen("tcp", h.address)
	if err != nil {
		return err
	}
	h.l = l
	h.serve()
	return nil
}

// Down closes the port.
func (h *Health) Down() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down()
}

// down needs mu.
func (h *Health) down() {
	if h.server != nil {
		_ = h.server.Close()
	}
	if h.l != nil {
		_ = h.l.Close()
	}
	h.l, h.server = nil, nil
}

// Close closes the port for good.
func (h *Health) Close() {
	h.mu.Lock()
	h.closed = true
	h.down()
	h.mu.Unlock()
	h.work.Wait()
}
