package centrifuge

import (
	"context"
	"slices"
)

// task is a command that takes time. Those with the same key run one after the other, in order; an empty key stands for no order.
type task struct {
	key string
	run func(ctx context.Context)
}

// tasks are a session's commands under way: at most Limits.Running at a time. They are guarded by the session's mu.
type tasks struct {
	running int
	busy    map[string]struct{} // keys of running tasks
	waiting []task              // what can't run yet, in order
}

// begin starts a task as soon as there is room for it. False: too many wait, or the session is over.
func (s *session) begin(key string, run func(ctx context.Context)) bool {
	t := task{key, run}
	s.mu.Lock()
	defer s.mu.Unlock()
	// As long as there is room, only what must wait for its key waits: so a task whose key is free may go ahead of them.
	switch {
	case s.closed || len(s.tasks.waiting) >= s.gateway.limits.FrameCommands:
		return false
	case s.mayRun(t):
		return s.launch(t)
	}
	s.tasks.waiting = append(s.tasks.waiting, t)
	s.gateway.metrics.waiting.Inc()
	return true
}

// mayRun needs mu. While the client doesn't take its replies nothing new is begun for it.
func (s *session) mayRun(t task) bool {
	_, busy := s.tasks.busy[t.key]
	return s.tasks.running < s.gateway.limits.Running && !s.out.blocked.Load() && (t.key == "" || !busy)
}

// launch needs mu.
func (s *session) launch(t task) bool {
	if !s.gateway.start(func() { s.work(t) }) {
		return false
	}
	s.occupy(t)
	return true
}

// occupy needs mu.
func (s *session) occupy(t task) {
	s.tasks.running++
	if t.key != "" {
		if s.tasks.busy == nil {
			s.tasks.busy = map[string]struct{}{}
		}
		s.tasks.busy[t.key] = struct{}{}
	}
}

// work runs a task, and then others as long as there are any.
func (s *session) work(t task) {
	for more := true; more; {
		ctx, cancel := context.WithTimeout(s.gateway.ctx, s.gateway.limits.RequestTimeout)
		t.run(ctx)
		cancel()
		t, more = s.next(t)
	}
}

// next gives a finished task's place to one that waits.
func (s *session) next(finished task) (task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks.running--
	delete(s.tasks.busy, finished.key)
	if len(s.tasks.busy) == 0 {
		s.tasks.busy = nil
	}
	t, ok := s.pick()
	if ok {
		s.occupy(t)
	}
	return t, ok
}

// pick needs mu. It takes the first waiting task that may run.
func (s *session) pick() (task, bool) {
	i := slices.IndexFunc(s.tasks.waiting, s.mayRun)
	if i < 0 {
		return task{}, false
	}
	t := s.tasks.waiting[i]
	s.tasks.waiting = slices.Delete(s.tasks.waiting, i, i+1)
	if len(s.tasks.waiting) == 0 {
		s.tasks.waiting = nil
	}
	s.gateway.metrics.waiting.Dec()
	return t, true
}

// resume begins waiting tasks after the client has taken its replies.
func (s *session) resume() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed {
		t, ok := s.pick()
		if !ok || !s.launch(t) {
			return
		}
	}
}
