package chat

import (
	"sync"

	"golang.org/x/time/rate"
)

// maxRates is how many senders' rates are remembered before those that have rested are forgotten.
const maxRates = 10_000

// rates bounds how often each sender may send.
type rates struct {
	limits Limits

	mu      sync.Mutex
	senders map[string]*rate.Limiter
}

func (r *rates) allow(sender string) bool {
	if r.limits.MessagesPerSecond <= 0 {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.senders[sender]
	if l == nil {
		if r.senders == nil {
			r.senders = map[string]*rate.Limiter{}
		}
		if len(r.senders) >= maxRates {
			r.forget()
		}
		l = rate.NewLimiter(rate.Limit(r.limits.MessagesPerSecond), r.limits.Burst)
		r.senders[sender] = l
	}
	return l.Allow()
}

// forget drops senders whose whole burst is free again; of the rest, any that are too many.
func (r *rates) forget() {
	for sender, l := range r.senders {
		if l.Tokens() >= float64(r.limits.Burst) {
			delete(r.senders, sender)
		}
	}
	for sender := range r.senders {
		if len(r.senders) < maxRates {
			return
		}
		delete(r.senders, sender)
	}
}
