// Package search makes messages findable. In come the log's messages, edits and deletions, shard by shard, on the node that owns the
// shard; and questions for words in rooms. Out go the places where they stand, the newest first. Rights are not decided here: the rooms of
// a question are those that may be searched, and what stands at a place is read from the log by whoever asked.
//
// The index is a cache of the log. Each node keeps one for the shards that it owns, and for a while for those that it has owned; it goes on
// where it was or begins with the shard's first message. It is written by one goroutine behind a bounded queue, from a tap of the log,
// which is after the fact: a send never waits for it.
//
// The engine is SQLite's FTS5, translated to Go (modernc.org/sqlite). It was weighed against Bleve 2, the engine that others embed: a
// program with Bleve alone has 13.7 MB and 25 modules, with SQLite 6.7 MB and 7; Bleve marks what is deleted and drops it when segments
// happen to merge, FTS5 takes words out of its pages when it is told to, and pages are overwritten; and what FTS5 lists newest first it need
// not sort. What Bleve has more of, rankings and languages, nothing here asks for.
package search

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// tapName is what the log calls the tap.
const tapName = "search"

// Bounds and rhythms.
const (
	// DefaultBytes is how much an index on disk may take.
	DefaultBytes = 1 << 30
	// memoryBytes is how much one in memory may take.
	memoryBytes = 32 << 20
	// maxQueued is how many changes wait, of which each has a message's words at most.
	maxQueued = 512
	// maxBatch changes are written together, or what comes within batchWait.
	maxBatch  = 512
	batchWait = 100 * time.Millisecond
	// settleEvery is how long after a deletion its words leave the files at the latest, unless searches keep them open.
	settleEvery = time.Second
	// keepEvery is the pause between two looks at what is old and whose shards are whose.
	keepEvery = time.Minute
	// defaultGrace is how long the index of a shard outlives its ownership.
	defaultGrace = 10 * time.Minute
	// rebuildPause is how soon an index may fail again before it is kept in memory.
	rebuildPause = 10 * time.Minute
)

// Options of a service.
type Options struct {
	// Dir is the folder of the index; it is made. Empty, or where nothing can be written: the index is in memory, at most 32 MiB.
	Dir string
	// Bytes is how much the index on disk may take, about; 0: DefaultBytes. Beyond it the oldest messages aren't found any more.
	Bytes      int64
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	// Grace is for how long the index of a shard is kept that another node owns now; 0: ten minutes.
	Grace time.Duration
	// keepEvery is for tests; 0: a minute.
	keepEvery time.Duration
}

// Service indexes what is said, and answers what is asked.
type Service struct {
	o       Options
	log     *backbone.Backbone
	logger  *slog.Logger
	metrics *metrics
	queue   chan task
	ctx     context.Context
	cancel  context.CancelFunc
	work    sync.WaitGroup

	// lock guards engine, which is exchanged when it is broken; generation counts them.
	lock       sync.RWMutex
	engine     engine
	generation atomic.Uint64
	failed     time.Time // the last time, known to the writer alone
	dirty      bool      // removed words may still be in files; known to the writer alone

	mu    sync.Mutex
	began map[layout.Shard]uint64 // in which generation
	read  map[layout.Shard]uint64 // up to which offset it was handed over
	lost  map[string]time.Time    // since when a shard is another's
	// building are shards of which the index does not have yet what was there when it was begun.
	building map[layout.Shard]*building
	// renewed is closed when the engine is exchanged.
	renewed chan struct{}
}

// New opens the index and begins to fill it and to answer. The service must be closed before the log is.
func New(ctx context.Context, log *backbone.Backbone, o Options) (*Service, error) {
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	if o.Grace == 0 {
		o.Grace = defaultGrace
	}
	if o.keepEvery == 0 {
		o.keepEvery = keepEvery
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		o: o, log: log, logger: o.Logger, queue: make(chan task, maxQueued),
		began: map[layout.Shard]uint64{}, read: map[layout.Shard]uint64{}, lost: map[string]time.Time{},
		building: map[layout.Shard]*building{},
		renewed:  make(chan struct{}),
	}
	s.generation.Store(1)
	var err error
	if s.engine, err = s.openEngine(ctx); err != nil {
		return nil, err
	}
	s.metrics = newMetrics(o.Registerer, s)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.work.Go(s.writeAll)
	s.work.Go(s.keep)
	err = log.Answer(questionKind, s.answer)
	if err == nil {
		err = log.Tap(tapName, backbone.TapOptions{Kinds: []layout.Kind{layout.Room}, Begin: s.begin, CaughtUp: s.caughtUp, Anew: s.anew}, s)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openEngine opens the index on disk; one that is damaged or of another version is made anew. Where that doesn't go, it is in memory.
func (s *Service) openEngine(ctx context.Context) (engine, error) {
	if s.o.Dir != "" {
		e, err := openSQLite(ctx, s.o.Dir, s.o.Bytes)
		if err != nil && !errors.Is(err, errLocked) {
			s.logger.Warn("the index of messages is made anew", "folder", s.o.Dir, "reason", err)
			if err = removeSQLite(s.o.Dir); err == nil {
				e, err = openSQLite(ctx, s.o.Dir, s.o.Bytes)
			}
		}
		if err == nil {
			return e, nil
		}
		s.logger.Warn("keep the index of messages in memory: it can't be on disk", "folder", filepath.Clean(s.o.Dir), "reason", err, "bytes", memoryBytes)
	}
	return openSQLite(ctx, "", memoryBytes)
}

// Close ends the service. The index stays on disk.
func (s *Service) Close() error {
	s.cancel()
	s.work.Wait()
	s.lock.Lock()
	defer s.lock.Unlock()
	err := s.engine.close()
	s.engine = nil
	return err
}
