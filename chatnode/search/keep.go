package search

import (
	"context"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// oldestWait bounds the question where a shard begins.
const oldestWait = 5 * time.Second

// keep gives up, every so often, what the log has discarded, and shards that other nodes have owned for a while.
func (s *Service) keep() {
	tick := time.NewTicker(s.o.keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		s.lock.RLock()
		names := s.engine.shards()
		s.lock.RUnlock()
		for _, name := range names {
			if do := s.keeping(name); do != nil {
				select {
				case s.queue <- task{do: do}:
				case <-s.ctx.Done():
					return
				}
			}
		}
	}
}

// keeping says what is to be done with a shard; nil for nothing.
func (s *Service) keeping(name string) func(ctx context.Context, e engine) error {
	shard, ok := s.log.Shard(name)
	drop := func(ctx context.Context, e engine) error {
		s.dirty = true
		return e.drop(ctx, name)
	}
	if !ok {
		return drop // the number of shards was another
	}
	if owner, ok := s.log.OwnerOf(shard); !ok || owner != s.log.NodeID() {
		s.mu.Lock()
		defer s.mu.Unlock()
		since, known := s.lost[name]
		if !known {
			s.lost[name] = time.Now()
			return nil
		}
		if time.Since(since) < s.o.Grace {
			return nil
		}
		return func(ctx context.Context, e engine) error {
			if !s.stillLost(name, shard) {
				return nil
			}
			return drop(ctx, e)
		}
	}
	s.mu.Lock()
	delete(s.lost, name)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(s.ctx, oldestWait)
	defer cancel()
	oldest, err := s.log.Oldest(ctx, shard)
	if err != nil {
		return nil // the next look is soon
	}
	return func(ctx context.Context, e engine) error { return e.trim(ctx, name, oldest) }
}

// stillLost is asked by the writer, who also begins with shards: one that has come back meanwhile stays.
func (s *Service) stillLost(name string, shard layout.Shard) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, lost := s.lost[name]
	delete(s.lost, name)
	if lost {
		delete(s.read, shard)
		delete(s.building, shard)
		delete(s.began, shard) // if it is this node's after all, the next message begins anew
	}
	return lost
}
