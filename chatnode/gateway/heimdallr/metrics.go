package heimdallr

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/chat"
)

type metrics struct {
	sessions prometheus.Gauge
	messages *prometheus.CounterVec
	refused  *prometheus.CounterVec
	skipped  prometheus.Counter
	notices  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_heimdallr_sessions",
			Help: "Connected clients of heimdallr."}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_heimdallr_messages_total",
			Help: "Messages of clients of heimdallr, by result: stored, or why not, which has closed the connection."}, []string{"result"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_heimdallr_refused_total",
			Help: "Clients of heimdallr that were not let into their room, by reason."}, []string{"reason"}),
		skipped: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_heimdallr_events_without_text_total",
			Help: "Events of rooms of which clients of heimdallr see nothing, such as edits and reactions."}),
		notices: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_heimdallr_failover_notices_total",
			Help: "Clients of heimdallr that were told to connect elsewhere."}),
	}
	for _, result := range []string{"stored", "failed", "invalid", "denied", "too_many", "unavailable"} {
		m.messages.WithLabelValues(result) // there to be watched before the first one
	}
	if r != nil {
		r.MustRegister(m.sessions, m.messages, m.refused, m.skipped, m.notices)
	}
	return m
}

// received counts a message by what became of it.
func (m *metrics) received(err error) {
	result := "stored"
	if err != nil {
		result = "failed"
		var failed *chat.Error
		if errors.As(err, &failed) {
			switch failed.Kind {
			case chat.Invalid:
				result = "invalid"
			case chat.Denied, chat.NotFound, chat.Limit:
				result = "denied"
			case chat.TooMany:
				result = "too_many"
			case chat.Unavailable:
				result = "unavailable"
			}
		}
	}
	m.messages.WithLabelValues(result).Inc()
}
