package chat

import "github.com/prometheus/client_golang/prometheus"

// metrics are the figures of a service.
type metrics struct {
	linesRefused    *prometheus.CounterVec
	departuresLost  prometheus.Counter
	sweptRows       *prometheus.CounterVec
	sweeps          *prometheus.CounterVec
	sweepFinished   prometheus.Gauge
	sweepRowsFailed *prometheus.GaugeVec
	listsForgotten  prometheus.Counter
	roomsCounted    prometheus.Counter
}

// Why a send may not wait.
const (
	boundOfNode   = "node"
	boundOfSender = "sender"
)

// What becomes of a row that the sweeper looks at: it was seen, and then mended, or could not be.
const (
	rowSeen   = "seen"
	rowMended = "mended"
	rowFailed = "failed"
)

func newMetrics(r prometheus.Registerer, s *Service) *metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatnode_chat_" + name + "_total", Help: help}, labels)
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_chat_" + name, Help: help}, value)
	}
	m := &metrics{
		linesRefused: counters("waiting_sends_refused", "Messages that were refused since too many wait to be prepared, by bound: node or sender.", "bound"),
		departuresLost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chatnode_chat_departures_lost_total", Help: "Users of whom it could not be noted that they were last seen just then.",
		}),
		listsForgotten: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chatnode_chat_lists_forgotten_total", Help: "Users' lists of rooms that this node has forgotten for others, or since too much had changed.",
		}),
		roomsCounted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "chatnode_chat_rooms_counted_total", Help: "Rooms on users' lists of which it was counted what is unread.",
		}),
		sweptRows: counters("sweep_rows", "Rows that the sweeper looked at, by part and by result: seen, mended, failed.", "part", "result"),
		sweeps:    counters("sweeps", "Rounds of the sweeper on this node, by result: finished, broken.", "result"),
		sweepFinished: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "chatnode_chat_sweep_finished_timestamp_seconds", Help: "When this node last finished a round of the sweeper, in seconds since 1970.",
		}),
		sweepRowsFailed: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "chatnode_chat_sweep_rows_to_retry", Help: "Rows that this node could not mend in its last round, to be tried again, by part.",
		}, []string{"part"}),
	}
	for _, bound := range []string{boundOfNode, boundOfSender} {
		m.linesRefused.WithLabelValues(bound)
	}
	if r != nil {
		r.MustRegister(m.linesRefused, m.departuresLost, m.sweptRows, m.sweeps, m.sweepFinished, m.sweepRowsFailed, m.listsForgotten, m.roomsCounted,
			gauge("waiting_sends", "Messages that wait to be prepared, and those behind them.", func() float64 { return float64(s.lines.waiting()) }),
			gauge("departures_waiting", "Users of whom it has yet to be noted when they were last seen.", func() float64 { return float64(s.departures.size()) }),
			gauge("listed_rooms", "Rooms on the users' lists that this node remembers.", func() float64 { return float64(s.lists.remembered()) }),
			gauge("revoked_users", "Users whose tokens are revoked or who are banned, in all applications.", func() float64 { return float64(s.revoked.count()) }),
		)
	}
	return m
}
