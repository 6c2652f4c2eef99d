package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
	"github.com/chatfleet/chatfleet/chatnode/search/query"
)

const (
	// questionKind is what nodes call a search in one shard.
	questionKind = "search"
	// findWait is how long a node looks in one shard; what it has by then is the answer.
	findWait = 1 * time.Second
	// searchWait bounds a search with all that has to be tried again.
	searchWait = 5 * time.Second
	retryWait  = 50 * time.Millisecond
	// shardsAtOnce is how many shards are asked at a time.
	shardsAtOnce = 8
	// MaxLimit is how many places one answer has at most.
	MaxLimit = 200
)

// answer answers another node, or this one.
func (s *Service) answer(ctx context.Context, data []byte) ([]byte, error) {
	var w wanted
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("malformed question: %w", err)
	}
	if len(w.Query) == 0 || w.Limit < 1 || w.Limit > MaxLimit {
		return nil, errors.New("malformed question")
	}
	s.lock.RLock()
	defer s.lock.RUnlock()
	if s.engine == nil || s.ctx.Err() != nil {
		return nil, errNoEngine
	}
	ctx, cancel := context.WithTimeout(ctx, findWait)
	defer cancel()
	began := time.Now()
	building := s.isBuilding(w.Shard) // before looking: what is complete by now is found
	f, err := s.engine.find(ctx, w)
	f.Building = building
	s.metrics.looks.Observe(time.Since(began).Seconds())
	if err != nil {
		return nil, err
	}
	return json.Marshal(f)
}

// Off answers searches of other nodes on a node that has no index: its shards can't be searched. Then they need not ask again and again.
func Off(log *backbone.Backbone) error {
	return log.Answer(questionKind, func(context.Context, []byte) ([]byte, error) { return json.Marshal(found{Off: true}) })
}

// Search finds where a query is met. The answer is partial if some shards can't be asked, or are not indexed to their end; if none of them
// can be asked, that is an error. Errors: query.ErrCursor, backbone.ErrUnavailable, the context's.
func (s *Service) Search(ctx context.Context, q query.Question) (a query.Answer, err error) {
	began := time.Now()
	defer func() {
		s.metrics.searches.WithLabelValues(outcome(a, err)).Inc()
		s.metrics.seconds.Observe(time.Since(began).Seconds())
	}()
	at, err := parseCursor(q.Cursor)
	if err != nil {
		return a, err
	}
	shards := s.divide(q, at)
	if err := s.askAll(ctx, shards); err != nil {
		return a, err
	}
	return merge(shards, q.Limit, at), nil
}

// askAll asks the owners of shards. An error is that of all of them.
func (s *Service) askAll(ctx context.Context, shards []asked) error {
	inTime, cancel := context.WithTimeout(ctx, searchWait)
	defer cancel()
	var asking errgroup.Group
	asking.SetLimit(shardsAtOnce)
	for i := range shards {
		asking.Go(func() error {
			shards[i].err = s.ask(inTime, &shards[i])
			return nil
		})
	}
	_ = asking.Wait() // each has its error
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var errs []error
	for i := range shards {
		if shards[i].err == nil {
			return nil
		}
		errs = append(errs, shards[i].err)
	}
	return errors.Join(errs...)
}

// asked is one shard of a search.
type asked struct {
	shard layout.Shard
	feeds map[uint64]layout.Feed
	wanted
	found
	// err: it could not be asked.
	err error
	// taken is how many of the hits are in the answer.
	taken int
}

// divide sorts the rooms by their shards, without those in which nothing more is to be found.
func (s *Service) divide(q query.Question, at cursor) (all []asked) {
	places := map[layout.Shard]int{}
	for _, room := range q.Rooms {
		shard := s.log.ShardOf(room.Feed)
		if before, known := at[shard.Number]; known && before <= leftOut {
			continue
		}
		i, ok := places[shard]
		if !ok {
			i = len(all)
			places[shard] = i
			w := wanted{Shard: shard.String(), Query: q.Query, Before: at.before(shard.Number), Limit: min(q.Limit, MaxLimit)}
			all = append(all, asked{shard: shard, feeds: map[uint64]layout.Feed{}, wanted: w})
		}
		hash := RoomHash(room.Feed)
		all[i].feeds[hash] = room.Feed
		all[i].Rooms = append(all[i].Rooms, hash)
		all[i].After = append(all[i].After, room.After)
	}
	return all
}

// ask asks the owner of a shard, again while there is none or it can't tell.
func (s *Service) ask(ctx context.Context, a *asked) error {
	raw, err := json.Marshal(a.wanted)
	if err != nil {
		return err
	}
	last := errors.New("nobody owns it")
	for {
		if owner, ok := s.log.OwnerOf(a.shard); ok {
			data, err := s.log.Ask(ctx, owner, questionKind, raw)
			if err == nil {
				err = json.Unmarshal(data, &a.found)
			}
			switch {
			case err == nil && a.Off:
				return fmt.Errorf("search in %s (%w there): %w", a.shard, errNoEngine, backbone.ErrUnavailable)
			case err == nil:
				return nil
			}
			if ctx.Err() == nil {
				last = err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("search in %s (%w): %w", a.shard, last, backbone.ErrUnavailable)
		case <-time.After(retryWait):
		}
	}
}
