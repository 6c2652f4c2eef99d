package auth

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	tokens  *prometheus.CounterVec
	reloads *prometheus.CounterVec
}

func newMetrics(registerer prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_auth_tokens_total",
			Help: "Tokens verified, by kind of token and result.",
		}, []string{"kind", "result"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_auth_key_reloads_total",
			Help: "Readings of token keys after a change or a fetch, by source and result. On failure the old keys stay in use.",
		}, []string{"source", "result"}),
	}
	if registerer == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.tokens, m.reloads} {
		if err := registerer.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) verified(kind string, err error) {
	m.tokens.WithLabelValues(kind, resultOf(err)).Inc()
}

func (m *metrics) reloaded(source string) { m.reloads.WithLabelValues(source, "ok").Inc() }

func (m *metrics) reloadFailed(source string) { m.reloads.WithLabelValues(source, "failed").Inc() }
