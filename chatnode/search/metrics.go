package search

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

// metrics are the figures of a service.
type metrics struct {
	changes, writing, rebuilds prometheus.Counter
	searches                   *prometheus.CounterVec
	seconds, looks             prometheus.Histogram
}

func newMetrics(r prometheus.Registerer, s *Service) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_search_" + name + "_total", Help: help})
	}
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatnode_search_" + name, Help: help}, value)
	}
	seconds := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "chatnode_search_" + name + "_seconds", Help: help, Buckets: prometheus.ExponentialBuckets(.001, 2, 13),
		})
	}
	m := &metrics{
		changes:  counter("changes", "Messages, edits and deletions that were written into the index."),
		writing:  counter("writing_seconds", "Time that writing them took."),
		rebuilds: counter("rebuilds", "Times that a broken index was thrown away and made anew."),
		searches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_search_searches_total", Help: "Searches that this node has put to the fleet, by outcome: answered, partial, malformed, failed.",
		}, []string{"outcome"}),
		seconds: seconds("search", "How long such a search took."),
		looks:   seconds("look", "How long looking for one search took in one shard of this node."),
	}
	if r != nil {
		r.MustRegister(m.changes, m.writing, m.rebuilds, m.searches, m.seconds, m.looks,
			gauge("documents", "Messages in the index.", func() float64 { return float64(s.size().documents) }),
			gauge("index_bytes", "What the index takes on disk, or in memory.", func() float64 { return float64(s.size().bytes) }),
			gauge("lag_messages", "Stored messages of this node's shards that the index has yet to see.", func() float64 { return float64(s.Lag()) }),
			gauge("building_shards", "Shards of this node whose index does not have everything yet.", func() float64 { return float64(s.unfinished()) }),
			gauge("queued", "Changes that wait to be written into the index.", func() float64 { return float64(len(s.queue)) }),
		)
	}
	return m
}

func outcome(a query.Answer, err error) string {
	switch {
	case err == nil && a.Partial:
		return "partial"
	case err == nil:
		return "answered"
	case errors.Is(err, query.ErrCursor):
		return "malformed"
	}
	return "failed"
}

func (s *Service) size() size {
	s.lock.RLock()
	defer s.lock.RUnlock()
	if s.engine == nil {
		return size{}
	}
	return s.engine.size()
}

// unfinished is how many shards are being indexed.
func (s *Service) unfinished() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for shard := range s.building {
		if owner, ok := s.log.OwnerOf(shard); ok && owner == s.log.NodeID() {
			n++
		}
	}
	return n
}

// Lag is how many messages of this node's shards the index has yet to see. Some of them may have been erased already.
func (s *Service) Lag() (behind uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for shard, read := range s.read {
		if owner, ok := s.log.OwnerOf(shard); ok && owner == s.log.NodeID() {
			behind += max(s.log.Newest(shard), read) - read
		}
	}
	return behind + uint64(len(s.queue))
}
