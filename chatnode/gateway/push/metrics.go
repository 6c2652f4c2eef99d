package push

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Labels of requests that are no command.
const (
	malformed = "malformed"
	unknown   = "unknown"
)

type metrics struct {
	requests *prometheus.CounterVec
	polls    *prometheus.CounterVec
	refused  *prometheus.CounterVec
}

// Bounds, in metrics.
const (
	boundRequests  = "requests"
	boundPolls     = "polls"
	boundPasswords = "passwords"
	boundGuesses   = "guesses"
	boundFollowed  = "followed"
	boundSessions  = "sessions"
)

func newMetrics(r prometheus.Registerer, g *Gateway) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_push_requests_total", Help: "Commands of cHaTTP's clients, by HTTP status and error-code.",
		}, []string{"command", "status", "code"}),
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_push_polls_total", Help: "Polls of cHaTTP's clients that were answered, by HTTP status.",
		}, []string{"status"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "chatnode_push_refused_total", Help: "What cHaTTP's clients did beyond a bound, by bound.",
		}, []string{"bound"}),
	}
	if r == nil {
		return m
	}
	r.MustRegister(g.requests.Gauges("push", "clients of cHaTTP")...)
	r.MustRegister(m.requests, m.polls, m.refused,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatnode_push_waiting_polls", Help: "Polls of cHaTTP's clients that wait for a message.",
		}, func() float64 { return float64(g.pollers.count()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chatnode_push_waiting_passwords", Help: "Passwords that are being hashed, or wait for it.",
		}, func() float64 { return float64(g.hasher.waiting.Load()) }),
	)
	return m
}

func (m *metrics) answered(command string, status int, v verdict) {
	m.requests.WithLabelValues(command, strconv.Itoa(status), strconv.Itoa(v.code)).Inc()
}
