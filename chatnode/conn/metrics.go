package conn

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one server.
type metrics struct {
	connections   *prometheus.GaugeVec
	accepted      *prometheus.CounterVec
	refused       *prometheus.CounterVec
	closed        *prometheus.CounterVec
	slow          *prometheus.CounterVec
	received      prometheus.Counter
	sent          prometheus.Counter
	queued        prometheus.Gauge
	refusedWrites prometheus.Counter
	discarded     prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatnode_conn_connections",
			Help: "Open connections by transport."}, []string{"transport"}),
		accepted: vec("accepted_total", "Connections that were accepted, by transport.", "transport"),
		refused:  vec("refused_total", "Handshakes that were refused, by reason.", "reason"),
		closed:   vec("closed_total", "Connections that ended, by who ended them and the close code.", "by", "code"),
		slow: vec("slow_closed_total",
			"Connections that were closed because the client was slow at taking what waited for it, or at sending a message.", "at"),
		received: counter("received_bytes_total", "Bytes from clients, with WebSocket framing and without HTTP and TLS."),
		sent:     counter("sent_bytes_total", "Bytes to clients, with framing and without HTTP and TLS."),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_conn_queued_bytes",
			Help: "Bytes that wait in the queues of all connections."}),
		refusedWrites: counter("refused_writes_total", "Writes that a full queue refused; the log serves them later."),
		discarded:     counter("discarded_writes_total", "Writes to connections that were closing or gone."),
	}
	if r != nil {
		r.MustRegister(m.connections, m.accepted, m.refused, m.closed, m.slow, m.received, m.sent, m.queued, m.refusedWrites, m.discarded)
	}
	return m
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_conn_" + name, Help: help})
}

func vec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_conn_" + name, Help: help}, labels)
}

// closedBy counts an end. A client can send thousands of different codes, which are not worth a series each.
func (m *metrics) closedBy(cause *CloseError) {
	by, code := "server", strconv.Itoa(cause.Code)
	if cause.Remote {
		by = "client"
		switch cause.Code {
		case 1000, codeGoingAway, codeNone, codeAbnormal:
		default:
			code = "other"
		}
	}
	m.closed.WithLabelValues(by, code).Inc()
}
