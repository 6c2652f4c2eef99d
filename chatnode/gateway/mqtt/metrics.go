package mqtt

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	sessions *prometheus.GaugeVec
	logins   *prometheus.CounterVec
	packets  *prometheus.CounterVec
	ends     *prometheus.CounterVec
	refused  *prometheus.CounterVec
	send     prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		sessions: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatnode_mqtt_sessions",
			Help: "Clients that are logged in, by transport."}, []string{"transport"}),
		logins:  vec("logins_total", "Answered CONNECT packets, by result.", "result"),
		packets: vec("packets_total", "Packets from clients, by type.", "type"),
		ends:    vec("ends_total", "Connections that this gateway ended, by reason.", "reason"),
		refused: vec("refused_total",
			"What a client said and chat did not take, by what it was and why. The protocol has no way to tell the client.", "what", "why"),
		send: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "chatnode_mqtt_send_duration_seconds",
			Help: "Time from a message's packet until it is stored.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 15)}),
	}
	if r != nil {
		r.MustRegister(m.sessions, m.logins, m.packets, m.ends, m.refused, m.send)
	}
	return m
}

func vec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_mqtt_" + name, Help: help}, labels)
}
