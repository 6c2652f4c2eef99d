package rpc

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// unread is the outcome of a request that never became a call: it could not be read, or its caller went away.
const unread = "unread"

// outcome is what becomes of a request: "ok", the error's code, or unread.
type outcome struct{ code string }

type outcomeKey struct{}

func (o *outcome) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, outcomeKey{}, o)
}

func outcomeOf(ctx context.Context) *outcome {
	if o, ok := ctx.Value(outcomeKey{}).(*outcome); ok {
		return o
	}
	return &outcome{}
}

type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	running  prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_rpc_requests_total",
			Help: "Requests of backends and users to the chat service, by method and by code: ok, an error's, or unread."}, []string{"method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatnode_rpc_request_duration_seconds",
			Help: "Time to answer a request, by method.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}, []string{"method"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_rpc_running_requests", Help: "Requests that are being answered."}),
	}
	if r != nil {
		r.MustRegister(m.requests, m.duration, m.running)
	}
	return m
}

func (m *metrics) answered(method, code string, took time.Duration) {
	m.requests.WithLabelValues(method, code).Inc()
	m.duration.WithLabelValues(method).Observe(took.Seconds())
}
