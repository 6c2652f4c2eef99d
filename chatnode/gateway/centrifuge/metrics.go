package centrifuge

import (
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	sessions  *prometheus.GaugeVec
	commands  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
	pushes    *prometheus.CounterVec
	ends      *prometheus.CounterVec
	emulation *prometheus.CounterVec
	skipped   prometheus.Counter
	// unreviewed counts looks at subscriptions that are to be repeated.
	unreviewed prometheus.Counter
	waiting    prometheus.Gauge
	replies    prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatnode_centrifuge_sessions",
			Help: "Connected sessions, by transport and encoding."}, []string{"transport", "encoding"}),
		commands: vec("commands_total", "Answered commands, by kind and by result: ok, or the error's code.", "command", "result"),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatnode_centrifuge_send_duration_seconds",
			Help: "Time from a publish or rpc command to its reply.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}, []string{"command"}),
		pushes: vec("encoded_pushes_total",
			"Pushes that were encoded, by kind; those to the subscribers of a room once for each encoding, whatever their number.", "kind"),
		ends:      vec("disconnects_total", "Connections that this gateway ended, by code.", "code"),
		emulation: vec("emulation_requests_total", "Requests with commands for streaming connections, by result.", "result"),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_centrifuge_skipped_server_subscriptions_total",
			Help: "Channels named by tokens that the connection may not have."}),
		unreviewed: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_centrifuge_repeated_reviews_total",
			Help: "Looks whether a subscription may stay after its user's rights changed, that could not find out and were repeated."}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_centrifuge_waiting_commands",
			Help: "Commands that wait for others of the same session."}),
		replies: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_centrifuge_waiting_reply_bytes",
			Help: "Bytes of replies that wait for slow clients."}),
	}
	if r != nil {
		r.MustRegister(m.sessions, m.commands, m.duration, m.pushes, m.ends, m.emulation, m.skipped, m.unreviewed, m.waiting, m.replies)
	}
	return m
}

func vec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_centrifuge_" + name, Help: help}, labels)
}
