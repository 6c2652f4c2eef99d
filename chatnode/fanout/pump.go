package fanout

import (
	"sync"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

// pump serves members that are further behind than their room's ring reaches: it reads pages from the log, a bounded number at a time.
// Each subscription is at most once in it.
type pump struct {
	hub  *Hub
	most int // workers

	mu      sync.Mutex
	queue   []*Subscription
	failed  []*Subscription // to be tried again
	workers int
}

// add queues a subscription in state reading.
func (p *pump) add(s *Subscription) {
	p.mu.Lock()
	p.queue = append(p.queue, s)
	p.mu.Unlock()
	p.staff()
}

// again queues the subscriptions whose read failed.
func (p *pump) again() {
	p.mu.Lock()
	p.queue = append(p.queue, p.failed...)
	p.failed = nil
	p.mu.Unlock()
	p.staff()
}

// staff sees to it that there are workers for what is queued.
func (p *pump) staff() {
	p.mu.Lock()
	missing := min(len(p.queue), p.most) - p.workers
	p.workers += max(0, missing)
	p.mu.Unlock()
	for range missing {
		if !p.hub.start(p.work) {
			return // closed: nobody is served any more
		}
	}
}

func (p *pump) work() {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 || p.hub.ctx.Err() != nil {
			p.workers--
			p.mu.Unlock()
			return
		}
		s := p.queue[0]
		p.queue[0] = nil
		p.queue = p.queue[1:]
		p.mu.Unlock()
		p.advance(s)
	}
}

// advance reads a page and writes it to the member as far as its queue takes it.
func (p *pump) advance(s *Subscription) {
	r := s.room
	r.mu.Lock()
	pos, head, limit := s.pos, r.head, r.readLimit(pageBytes, r.hub.opts.MaxRecover)
	gone := s.state != reading
	r.mu.Unlock()
	if gone {
		return
	}
	page, err := r.read(p.hub.ctx, pos, limit, sameOffset)
	if err != nil {
		p.retry(s)
		return
	}
	if !page.Complete || !r.isEpoch(page.Head.Epoch) {
		r.lose(s)
		return
	}
	end := min(page.end(), head)
	if end <= pos {
		p.retry(s) // the read began before the messages were there
		return
	}
	if r.writePages(s, upTo(after(page.Messages, pos), head), end) {
		r.serve(s)
	}
}

func (p *pump) retry(s *Subscription) {
	p.mu.Lock()
	p.failed = append(p.failed, s)
	p.mu.Unlock()
}

// writePages writes messages read from the log, which reach to offset end without a hole. It reports whether the member took them all
// and is in state serving.
func (r *room) writePages(s *Subscription, messages []*backbone.Message, end uint64) bool {
	for {
		page, rest := cut(messages)
		wire := r.encodeFor(s, page)
		r.mu.Lock()
		if s.state != reading || (len(page) > 0 && !r.write(s, page, wire)) {
			r.mu.Unlock()
			return false
		}
		if len(rest) == 0 {
			s.pos = end
			s.become(serving)
			r.mu.Unlock()
			return true
		}
		r.mu.Unlock()
		messages = rest
	}
}

// lose ends a subscription that can't be served any more without a hole.
func (r *room) lose(s *Subscription) {
	r.mu.Lock()
	if s.state != reading {
		r.mu.Unlock()
		return
	}
	r.remove(s)
	tellThem := r.expel(s)
	r.mu.Unlock()
	tellThem()
}

func (r *room) isEpoch(epoch string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.epoch == epoch
}
