package comet

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	sessions prometheus.Gauge
	backends prometheus.Gauge
	refused  *prometheus.CounterVec
	commands *prometheus.CounterVec
	queries  *prometheus.CounterVec
	answers  prometheus.Histogram
	pushes   *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	undone   prometheus.Counter
	unasked  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_comet_" + name, Help: help})
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_comet_" + name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_comet_" + name, Help: help})
	}
	m := &metrics{
		sessions: gauge("sessions", "Browsers that have been greeted."),
		backends: gauge("backends", "Connections of MySQL clients."),
		refused:  vec("refused_total", "MySQL clients that did not get in, by reason.", "reason"),
		commands: vec("commands_total", "Commands of browsers, by name and result.", "command", "result"),
		queries:  vec("queries_total", "Statements of backends, by kind, table and result.", "kind", "table", "result"),
		answers: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "chatnode_comet_answer_duration_seconds",
			Help: "Time from a MySQL client's command until its answer is written.", Buckets: prometheus.ExponentialBuckets(0.000125, 2, 17)}),
		pushes:  vec("encoded_pushes_total", "Frames for browsers, encoded once for all of a room on the node, by kind.", "kind"),
		dropped: vec("dropped_connections_total", "Browsers that were cut off, by reason.", "reason"),
		undone:  counter("cursor_errors_total", "Times that it could not be noted up to where private messages are delivered; they come again."),
		unasked: counter("unanswered_questions_total", "Questions to other nodes, who is connected there, that were not answered in time."),
	}
	if r != nil {
		r.MustRegister(m.sessions, m.backends, m.refused, m.commands, m.queries, m.answers, m.pushes, m.dropped, m.undone, m.unasked)
	}
	return m
}
