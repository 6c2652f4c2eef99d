package heimdallr

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Protocols of failover notices.
const (
	ownProtocol   = "heimdallr"
	otherProtocol = "unknown"
)

// Clients are told one after the other to go, so that they don't all come at once elsewhere: noticeGap apart, and all within failoverSpan.
const (
	noticeGap    = 10 * time.Millisecond
	failoverSpan = 20 * time.Second
)

// notice tells a client to connect elsewhere.
func notice(protocol string, host netip.Addr, room string) []byte {
	raw, _ := json.Marshal(struct { // strings always have a form in JSON
		Protocol string `json:"protocol"`
		Host     string `json:"host"`
		Room     string `json:"roomid"`
	}{protocol, addressOf(host), room})
	return raw
}

func addressOf(host netip.Addr) string {
	if !host.IsValid() {
		return ""
	}
	return host.String()
}

// beginFailover sends newcomers away, and has load balancers do so. It lasts until endFailover.
func (g *Gateway) beginFailover(protocol string) {
	g.failover.Store(&protocol)
	if g.options.Health != nil {
		g.options.Health.Down()
	}
}

// endFailover takes newcomers again. The error is one of listening.
func (g *Gateway) endFailover() error {
	if g.options.Health != nil {
		if err := g.options.Health.Up(); err != nil {
			return err
		}
	}
	g.failover.Store(nil)
	return nil
}

// sendAway closes all connections, each with a notice; false if the gateway was closed meanwhile.
func (g *Gateway) sendAway() bool {
	all := g.sessions()
	gap := min(noticeGap, failoverSpan/time.Duration(max(1, len(all))))
	ticker := time.NewTicker(max(gap, time.Microsecond))
	defer ticker.Stop()
	for _, s := range all {
		s.end(codeGoingAway, "failover")
		select {
		case <-ticker.C:
		case <-g.ctx.Done():
			return false
		}
	}
	return true
}
