package conn

import (
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options of a Server. The zero value means the defaults.
type Options struct {
	// MaxConnections is the most connections at one time, of all transports; 0: no limit. Over it a handshake is answered with 503.
	MaxConnections int
	// MaxPerAddress is the most connections of one client address (of one /64 with IPv6); 0: no limit. Over it: 429.
	MaxPerAddress int
	// HandshakesPerSecond is the most handshakes taken in a second, with as many at once; 0: no limit. Over it: 503.
	HandshakesPerSecond int
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Origins are allowed besides the request's own host: "https://*.example.com", "app.example.com" (any scheme), "*" (all). An asterisk
	// stands for any run of characters. A request without an Origin does not come from a page and is allowed.
	Origins []string

	// FrameBytes is the largest message from a client; 64 KiB. Over it a WebSocket is closed with 1009.
	FrameBytes int
	// FrameTimeout is the time from the first byte of a message to its last; 10 s.
	FrameTimeout time.Duration
	// QueueBytes bounds what waits for one client; 256 KiB.
	QueueBytes int
	// StallTimeout is how long a client may take nothing at all while something waits for it; 90 s.
	StallTimeout time.Duration
	// SlowCode closes connections that stalled, or whose message took longer than FrameTimeout; 3008.
	SlowCode int
	// CloseTimeout bounds each half of closing, the sending of what is queued and the wait for the client's answer; 5 s.
	CloseTimeout time.Duration
	// Abrupt ends connections without a close frame, unless the client sent one: for protocols whose clients come back only if the
	// network seems to have ended the connection.
	Abrupt bool
	// PingInterval is the time between two pulses of a connection; 25 s.
	PingInterval time.Duration

	// Registerer takes the metrics; nil: they are not registered.
	Registerer prometheus.Registerer
	// Now is the clock of pulses, deadlines and the handshake rate; time.Now. The time-outs of sockets always go by the system's clock.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	setDefault(&o.FrameBytes, 64<<10)
	setDefault(&o.FrameTimeout, 10*time.Second)
	setDefault(&o.QueueBytes, 256<<10)
	setDefault(&o.StallTimeout, 90*time.Second)
	setDefault(&o.SlowCode, 3008)
	setDefault(&o.CloseTimeout, 5*time.Second)
	setDefault(&o.PingInterval, 25*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
