package mqtt

import "context"

// begin has something done behind what the client asked for before. It waits while too much waits, so that nothing more is read meanwhile.
func (s *session) begin(do func(ctx context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) >= s.gateway.limits.Waiting && !s.closed {
		s.spare.Wait()
	}
	if s.closed {
		return
	}
	s.queue = append(s.queue, do)
	if s.launch(); !s.working { // the gateway is closed
		s.drop()
	}
}

// finish waits until all is done that the client asked for.
func (s *session) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.working && !s.closed {
		s.spare.Wait()
	}
}

// halt needs mu. Nothing more is begun.
func (s *session) halt() {
	s.closed = true
	s.drop()
	s.spare.Broadcast()
}

// drop needs mu. It forgets what waits.
func (s *session) drop() {
	s.gateway.metrics.refused.WithLabelValues("packet", "gone").Add(float64(len(s.queue)))
	s.queue = nil
}

// launch needs mu.
func (s *session) launch() {
	if !s.working {
		s.working = s.gateway.start(s.work)
	}
}

// work does what waits until nothing does.
func (s *session) work() {
	for {
		do := s.next()
		if do == nil {
			return
		}
		do(s.gateway.ctx)
	}
}

// next takes what is to be done first: changes of the user's conversations go ahead of what the client wants.
func (s *session) next() func(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case len(s.news) > 0:
		all := s.news
		s.news = nil
		return func(ctx context.Context) { s.follow(ctx, all) }
	case len(s.queue) > 0 && s.gateway.ctx.Err() == nil:
		do := s.queue[0]
		s.queue = s.queue[1:]
		s.spare.Signal()
		return do
	}
	s.drop()
	s.working = false
	s.spare.Broadcast()
	return nil
}
