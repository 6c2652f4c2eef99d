package conn

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/gorilla/websocket"
)

// refusal is why a request gets no connection.
type refusal struct {
	status int
	// label is the reason in the metrics.
	label, reason string
}

func (r *refusal) Error() string { return "connection refused: " + r.reason }

var (
	refusedOrigin   = &refusal{http.StatusForbidden, "origin", "origin not allowed"}
	refusedUpgrade  = &refusal{http.StatusUpgradeRequired, "handshake", "not a websocket handshake"}
	refusedDraining = &refusal{http.StatusServiceUnavailable, "draining", "server is draining"}
	refusedRate     = &refusal{http.StatusServiceUnavailable, "rate", "too many handshakes a second"}
	refusedTotal    = &refusal{http.StatusServiceUnavailable, "total", "too many connections"}
	refusedAddress  = &refusal{http.StatusTooManyRequests, "address", "too many connections from this address"}
)

// admit reserves a place for the request's connection, which readmit gives back, or answers with why there is none.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, transport string) (netip.Addr, error) {
	address := ClientAddress(r, s.options.TrustedProxies)
	refused := s.check(r, transport)
	if refused == nil {
		refused = s.reserve(address)
	}
	if refused == nil {
		return address, nil
	}
	s.metrics.refused.WithLabelValues(refused.label).Inc()
	switch refused.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusUpgradeRequired:
		w.Header().Set("Upgrade", "websocket")
	}
	answer(w, refused.status, refused.reason)
	return address, fmt.Errorf("%w (client %s)", refused, address)
}

func (s *Server) check(r *http.Request, transport string) *refusal {
	if transport == WSText.String() && !websocket.IsWebSocketUpgrade(r) {
		return refusedUpgrade
	}
	if !s.origins.allow(r) {
		return refusedOrigin
	}
	return nil
}

func (s *Server) reserve(address netip.Addr) *refusal {
	key := limitKey(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch o := &s.options; {
	case s.draining:
		return refusedDraining
	case o.MaxConnections > 0 && s.held >= o.MaxConnections:
		return refusedTotal
	case o.MaxPerAddress > 0 && s.byAddress[key] >= o.MaxPerAddress:
		return refusedAddress
	case !s.rate.take(o.Now()):
		return refusedRate
	}
	s.held++
	if s.options.MaxPerAddress > 0 {
		s.byAddress[key]++
	}
	return nil
}

// readmit gives a place back.
func (s *Server) readmit(address netip.Addr) {
	key := limitKey(address)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held--
	if n := s.byAddress[key]; n > 1 {
		s.byAddress[key] = n - 1
	} else {
		delete(s.byAddress, key)
	}
	s.checkEmpty()
}

// checkEmpty needs mu.
func (s *Server) checkEmpty() {
	if !s.draining || s.held > 0 {
		return
	}
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// answer writes a refusal as one line of JSON, {"error":"…"}.
func answer(w http.ResponseWriter, status int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone, and nothing can be done about that.
	_ = json.NewEncoder(w).Encode(map[string]string{"error": reason})
}

// bucket lets perSecond through a second, and as many at once; 0 lets all through.
type bucket struct {
	perSecond, spent float64
	at               time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.perSecond == 0 {
		return true
	}
	b.spent = max(0, b.spent-b.perSecond*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.spent+1 > b.perSecond {
		return false
	}
	b.spent++
	return true
}
