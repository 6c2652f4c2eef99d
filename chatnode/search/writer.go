package search

import (
	"context"
	"time"
)

// task is something for the one who writes: a change, or something to do with the engine.
type task struct {
	change     change
	generation uint64
	do         func(ctx context.Context, e engine) error
	reply      chan error // with room for one
}

// writeAll writes until the service is closed.
func (s *Service) writeAll() {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	s.dirty = true // whatever the last process left
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
			s.settle()
		case t := <-s.queue:
			s.write(t)
		}
	}
}

// write does one task, and with a change those that come soon after it.
func (s *Service) write(t task) {
	var batch []change
	wait := time.NewTimer(batchWait)
	defer wait.Stop()
	for {
		if t.do != nil {
			s.apply(batch)
			err := t.do(s.ctx, s.engine)
			if t.reply != nil {
				t.reply <- err
			}
			s.judge(err)
			return
		}
		if t.generation == s.generation.Load() {
			batch = append(batch, t.change)
		}
		if len(batch) >= maxBatch {
			break
		}
		select {
		case t = <-s.queue:
			continue
		case <-wait.C:
		case <-s.ctx.Done():
		}
		break
	}
	s.apply(batch)
}

func (s *Service) apply(batch []change) {
	if len(batch) == 0 {
		return
	}
	for _, c := range batch {
		s.dirty = s.dirty || c.kind != changeAdd
	}
	began := time.Now()
	err := s.engine.apply(s.ctx, batch)
	if err == nil {
		s.metrics.changes.Add(float64(len(batch)))
		s.metrics.writing.Add(time.Since(began).Seconds())
	}
	s.judge(err)
	if len(batch) == maxBatch {
		s.rest(time.Since(began))
	}
}

// rest leaves the processors to those who send as long as writing took, while there is much to catch up on: so that takes half a core.
func (s *Service) rest(d time.Duration) {
	pause := time.NewTimer(d)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-s.ctx.Done():
	}
}

// settle rids the files of words that were removed.
func (s *Service) settle() {
	if !s.dirty {
		return
	}
	done, err := s.engine.settle(s.ctx)
	s.dirty = !done || err != nil
	s.judge(err)
}

// judge makes the index anew after an error: the log has everything.
func (s *Service) judge(err error) {
	if err == nil || s.ctx.Err() != nil {
		return
	}
	s.logger.Warn("the index of messages is broken, and made anew", "error", err)
	s.metrics.rebuilds.Inc()
	s.lock.Lock()
	defer s.lock.Unlock()
	s.mu.Lock()
	s.generation.Add(1)
	close(s.renewed)
	s.renewed = make(chan struct{})
	s.mu.Unlock()
	s.logIf(s.engine.close())
	if s.o.Dir != "" {
		s.logIf(removeSQLite(s.o.Dir))
	}
	if time.Since(s.failed) < rebuildPause {
		s.o.Dir = "" // such as a full disk
	}
	s.failed = time.Now()
	next, err := s.openEngine(s.ctx)
	if err != nil {
		s.logger.Error("search has no index any more", "error", err)
		next = noEngine{}
	}
	s.engine = next
}

func (s *Service) logIf(err error) {
	if err != nil {
		s.logger.Warn("could not throw the broken index of messages away", "error", err)
	}
}
