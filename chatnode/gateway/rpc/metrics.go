package rpc

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// unread is the outcome of a request that never became a call: it could not be read, or its caller went away.
const unread = "unread"

// outcome is what becomes of a request.
type outcome struct {
	// code is "ok", the error's code, or unread.
	code string
	// done is to be called at the end, if the request counts as one of its caller's.
	done func()
}

func (o *outcome) end() {
	if o.done != nil {
		o.done()
	}
}

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
	refused  *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, callers func() float64) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_rpc_requests_total",
			Help: "Requests of backends and users to the chat service, by method and by code: ok, an error's, or unread."}, []string{"method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatnode_rpc_request_duration_seconds",
			Help: "Time to answer a request, by method.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}, []string{"method"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_rpc_running_requests", Help: "Requests that are being answered."}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_rpc_refused_total",
			Help: "Requests that were refused since there were too many, by bound: of the node, or of the caller at_once or in its rate."}, []string{"bound"}),
	}
	for _, bound := range []string{boundNode, boundAtOnce, boundRate} {
		m.refused.WithLabelValues(bound)
	}
	if r != nil {
		r.MustRegister(m.requests, m.duration, m.running, m.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatnode_rpc_callers", Help: "Callers whose rate is remembered, at most 10,000.",
		}, callers))
	}
	return m
}

func (m *metrics) answered(method, code string, took time.Duration) {
	m.requests.WithLabelValues(method, code).Inc()
	m.duration.WithLabelValues(method).Observe(took.Seconds())
}
