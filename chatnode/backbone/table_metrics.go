package backbone

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// tableMetrics are the figures of the tables.
type tableMetrics struct {
	operations      *prometheus.CounterVec
	seconds         *prometheus.HistogramVec
	changes, missed *prometheus.CounterVec
}

func newTableMetrics(r prometheus.Registerer) *tableMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_table_" + name + "_total", Help: help}, labels)
	}
	m := &tableMetrics{
		operations: counter("operations", "Operations on tables, by table, operation (get, put, remove, list, count) and result: ok, "+
			"conflict, unavailable, cancelled, failed.", "table", "operation", "result"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "chatnode_table_operation_seconds", Help: "Time that operations on tables take, with all attempts.",
			Buckets: []float64{.0002, .0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2, 4, 8, 16},
		}, []string{"operation"}),
		changes: counter("changes", "Changes of rows that a watch of this node was told of, by table.", "table"),
		missed:  counter("watch_missed", "Times that a watch may have missed changes, and caches were emptied, by table.", "table"),
	}
	register(r, m.operations, m.seconds, m.changes, m.missed)
	return m
}

// measure begins to measure an operation; what it gives ends it, when *err is how it went.
func (m *tableMetrics) measure(table, operation string, err *error) (done func()) {
	start := time.Now()
	return func() {
		m.seconds.WithLabelValues(operation).Observe(time.Since(start).Seconds())
		m.operations.WithLabelValues(table, operation, result(*err)).Inc()
	}
}

func result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrConflict):
		return "conflict"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	default:
		return "failed"
	}
}
