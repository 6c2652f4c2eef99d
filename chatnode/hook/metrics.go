package hook

import "github.com/prometheus/client_golang/prometheus"

var seconds = []float64{.001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

type gateMetrics struct {
	checks  *prometheus.CounterVec
	seconds prometheus.Histogram
}

func newGateMetrics(r prometheus.Registerer, out func() float64) *gateMetrics {
	m := &gateMetrics{
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_moderation_checks_total",
			Help: "Events that moderation was asked about, by verdict: accepted, replaced, refused; failed if none came.",
		}, []string{"verdict"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chatnode_moderation_seconds", Help: "Time that moderation took.", Buckets: seconds,
		}),
	}
	for _, verdict := range []string{"accepted", "replaced", "refused", "failed"} {
		m.checks.WithLabelValues(verdict)
	}
	register(r, m.checks, m.seconds, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chatnode_moderation_in_flight", Help: "Questions to moderation that are out.",
	}, out))
	return m
}

type eventMetrics struct {
	deliveries *prometheus.CounterVec
	letters    prometheus.Counter
	seconds    prometheus.Histogram
}

// Results of a delivery in metrics.
const (
	resultTaken    = "taken"
	resultDeclined = "declined"
	resultRefused  = "refused"
	resultFailed   = "failed"
)

func newEventMetrics(r prometheus.Registerer, e *Events) *eventMetrics {
	m := &eventMetrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_webhook_deliveries_total",
			Help: "Attempts to deliver an event, by result: taken, declined (410), refused (for good, to a dead letter), failed (to be repeated).",
		}, []string{"result"}),
		letters: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chatnode_webhook_letters_total", Help: "Events that became dead letters.",
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chatnode_webhook_seconds", Help: "Time that attempts to deliver an event took.", Buckets: seconds,
		}),
	}
	for _, result := range []string{resultTaken, resultDeclined, resultRefused, resultFailed} {
		m.deliveries.WithLabelValues(result)
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_webhook_" + name, Help: help}, value)
	}
	register(r, m.deliveries, m.letters, m.seconds,
		gauge("waiting_bytes", "Bytes of events held in memory until they are taken.", func() float64 { return e.figures().bytes }),
		gauge("waiting_rooms", "Rooms that have events waiting, in memory or in the log.", func() float64 { return e.figures().rooms }),
		gauge("oldest_waiting_seconds", "How long ago the oldest event that waits was stored.", func() float64 { return e.figures().oldest }),
	)
	return m
}

func register(r prometheus.Registerer, cs ...prometheus.Collector) {
	if r != nil {
		r.MustRegister(cs...)
	}
}
