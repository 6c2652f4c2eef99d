package backbone

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the backbone's own figures.
type metrics struct {
	appends          *prometheus.CounterVec
	appendSeconds    prometheus.Histogram
	appendRetries    prometheus.Counter
	dispatched       prometheus.Counter
	holes            prometheus.Counter
	repaired         prometheus.Counter
	repairErrors     prometheus.Counter
	doubles          prometheus.Counter
	zombies          prometheus.Counter
	malformed        prometheus.Counter
	liveDropped      prometheus.Counter
	resets           prometheus.Counter
	checkErrors      prometheus.Counter
	unanswered       prometheus.Counter
	owned            prometheus.Gauge
	abandoned        prometheus.Counter
	lateTicks        prometheus.Counter
	claimErrors      prometheus.Counter
	checkpointErrors prometheus.Counter
	reconnects       prometheus.Counter
	tables           *tableMetrics
	followErrors     prometheus.Counter
	stray            prometheus.Counter
	recalled         prometheus.Counter
	erasures         *prometheus.CounterVec
	erasing          prometheus.Gauge
}

func newMetrics(r prometheus.Registerer, tails func() float64, waiting func() float64) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_log_" + name + "_total", Help: help})
		register(r, c)
		return c
	}
	m := &metrics{
		tables: newTableMetrics(r),
		appends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_log_appends_total", Help: "Messages appended, by outcome: stored, duplicate, busy, unavailable, failed.",
		}, []string{"outcome"}),
		appendSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chatnode_log_append_seconds", Help: "Time from enqueueing a message to its acknowledgement.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2, 4, 8, 16},
		}),
		appendRetries:    counter("append_retries", "Messages sent again under the same id, for want of an answer."),
		dispatched:       counter("dispatched", "Messages republished to listening nodes by the shards that this node owns."),
		holes:            counter("holes", "Feeds found to lack messages on this node."),
		repaired:         counter("repaired", "Messages read from the log because they had not come live."),
		repairErrors:     counter("repair_errors", "Attempts to read missing messages that failed and were repeated."),
		doubles:          counter("doubles", "Live messages dropped because they had been seen."),
		zombies:          counter("stale_terms", "Live messages dropped because their dispatcher had been replaced."),
		malformed:        counter("malformed", "Payloads from other nodes that could not be read."),
		liveDropped:      counter("live_dropped", "Live messages dropped because a queue was full, and then read from the log."),
		resets:           counter("resets", "Feeds whose epoch changed while they were followed."),
		checkErrors:      counter("check_errors", "Comparisons of heads that failed."),
		unanswered:       counter("unanswered", "Questions between nodes that got no answer."),
		abandoned:        counter("abandoned_shards", "Shards given up at once because this node was late or cut off."),
		lateTicks:        counter("late_beacons", "Beacons that were too late or could not be sent."),
		claimErrors:      counter("claim_errors", "Claims of a shard that failed."),
		checkpointErrors: counter("checkpoint_errors", "Checkpoints of an index that failed."),
		reconnects:       counter("reconnects", "Connections to NATS made anew."),
		followErrors:     counter("follow_errors", "Attempts to follow up an edit, a deletion, a reaction or a reply that failed and were repeated."),
		stray:            counter("stray_changes", "Edits, deletions and reactions of messages that do not exist."),
		recalled:         counter("recalled", "Erased messages put back into the index by what later events tell of them."),
		erasures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_log_erasures_total", Help: "Messages erased because of an edit or a deletion, by outcome: done, failed (and tried again), put off; and of all, unsure: the log did not answer, perhaps since a server died that may still have the text on its disk.",
		}, []string{"outcome"}),
		erasing: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_log_pending_erasures", Help: "Messages that this node has to erase."}),
		owned:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatnode_log_owned_shards", Help: "Shards that this node owns."}),
	}
	register(r, m.appends, m.appendSeconds, m.owned, m.erasures, m.erasing,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_log_followed_feeds", Help: "Feeds that this node follows."}, tails),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatnode_log_waiting_appends", Help: "Messages waiting for their acknowledgement.",
		}, waiting))
	return m
}

func register(r prometheus.Registerer, cs ...prometheus.Collector) {
	if r != nil {
		r.MustRegister(cs...)
	}
}

// appended counts the end of an append.
func (m *metrics) appended(p *Pending, now time.Time) {
	outcome := "stored"
	switch {
	case errors.Is(p.err, ErrUnavailable):
		outcome = "unavailable"
	case p.err != nil:
		outcome = "failed"
	case p.receipt.Duplicate:
		outcome = "duplicate"
	}
	m.appends.WithLabelValues(outcome).Inc()
	m.appendSeconds.Observe(now.Sub(p.enqueue).Seconds())
}
