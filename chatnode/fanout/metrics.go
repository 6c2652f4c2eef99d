package fanout

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counts are what the hub's metrics are read from.
type counts struct {
	members, behind, deliveries, dropped, reads, reading, resets, presenceWrites, presenceFailures atomic.Int64
}

func (h *Hub) register(to prometheus.Registerer) {
	if to == nil {
		return
	}
	gauge := func(name, help string, value func() int64) {
		to.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_fanout_" + name, Help: help},
			func() float64 { return float64(value()) }))
	}
	counter := func(name, help string, value *atomic.Int64) {
		to.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "chatnode_fanout_" + name, Help: help},
			func() float64 { return float64(value.Load()) }))
	}
	c := &h.counts
	gauge("rooms", "Feeds followed on this node.", func() int64 { return int64(h.Rooms()) })
	gauge("members", "Subscriptions on this node.", c.members.Load)
	gauge("members_behind", "Subscriptions whose queue is full, or that are served from the log.", c.behind.Load)
	gauge("ring_bytes", "Memory of the recent messages of all rooms; beyond its limit silent rooms give up theirs.", h.rings.total.Load)
	gauge("log_reads_in_flight", "Reads of the log under way.", c.reading.Load)
	counter("deliveries_total", "Messages written to members.", &c.deliveries)
	counter("ephemeral_dropped_total", "Signals, joins and leaves that were not sent or not written to a member.", &c.dropped)
	counter("resets_total", "Subscriptions ended because the feed's epoch changed, or the log no longer reached back far enough.", &c.resets)
	counter("log_reads_total", "Reads of the log.", &c.reads)
	counter("presence_writes_total", "Summaries of who is in a room written.", &c.presenceWrites)
	counter("presence_write_errors_total", "Summaries of who is in a room that could not be written, and are written later.", &c.presenceFailures)
}
