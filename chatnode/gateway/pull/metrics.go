package pull

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/conn"
)

// Where pages come from, in metrics.
const (
	fromMemory = "memory"
	fromLog    = "log"
)

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	refused  *prometheus.CounterVec
	reads    *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, q *conn.Requests, s *strips) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_pull_requests_total",
			Help: "Requests of clients of distributed-chat, by call (ping, send, pull, unknown) and status."}, []string{"call", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatnode_pull_request_duration_seconds",
			Help: "Time to answer a request, by call.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 17)}, []string{"call"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_pull_refused_total",
			Help: "Requests that were refused, by reason: two dialects have the same status for all."}, []string{"reason"}),
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_pull_pages_total",
			Help: "Pages of chats that were given, by where they came from: memory or log."}, []string{"from"}),
	}
	m.reads.WithLabelValues(fromMemory)
	m.reads.WithLabelValues(fromLog)
	if r != nil {
		r.MustRegister(q.Gauges("pull", "clients of distributed-chat")...)
		r.MustRegister(m.requests, m.duration, m.refused, m.reads,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_pull_cached_bytes",
				Help: "Messages of chats that are kept in memory for pulls, in bytes."}, func() float64 { return float64(s.bytes.Load()) }),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_pull_cached_chats",
				Help: "Chats of which it is remembered that they were pulled, at most 10,000."}, func() float64 { return float64(s.count()) }))
	}
	return m
}

func (m *metrics) answered(call string, status int, took time.Duration) {
	m.requests.WithLabelValues(call, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(call).Observe(took.Seconds())
}
