package backbone

import (
	"context"
	"fmt"
	"hash/maphash"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

const (
	// liveChannels is how many channels all live subscriptions of the node share, and liveChannelSize how many messages each holds.
	// What finds one full is dropped and counted by the client library, and the tails are checked.
	liveChannels    = 4
	liveChannelSize = 16384
	// checkEvery is how often the heads of all tails are compared with the owners', which finds a lost last message.
	checkEvery = 15 * time.Second
)

// listener carries live messages from the connection to the tails. A subscription takes no goroutine and no channel of its own. With a log
// inside this process there is none: what is live is handed over.
type listener struct {
	b        *Backbone
	channels [liveChannels]chan *nats.Msg
	seed     maphash.Seed
	wanted   chan struct{} // has all heads compared

	mu    sync.RWMutex
	tails map[string]*Tail // by live subject

	work struct {
		sync.Mutex
		*sync.Cond
		waiting []*Tail
		closed  bool
	}
}

func newListener(b *Backbone) *listener {
	l := &listener{b: b, seed: maphash.MakeSeed(), wanted: make(chan struct{}, 1), tails: map[string]*Tail{}}
	l.work.Cond = sync.NewCond(&l.work.Mutex)
	for i := range l.channels {
		l.channels[i] = make(chan *nats.Msg, liveChannelSize)
	}
	return l
}

// run carries messages until ctx ends.
func (l *listener) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, ch := range l.channels {
		all.Go(func() { l.carry(ctx, ch) })
	}
	for range runtime.GOMAXPROCS(0) {
		all.Go(l.worker)
	}
	all.Go(func() { l.checks(ctx) })
	<-ctx.Done()
	l.work.Lock()
	l.work.closed = true
	l.work.Broadcast()
	l.work.Unlock()
	all.Wait()
}

func (l *listener) carry(ctx context.Context, ch chan *nats.Msg) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-ch:
			if t := l.tail(m.Subject); t != nil {
				t.push(m.Data)
			}
		}
	}
}

// tail gives the one with that live subject; nil: none.
func (l *listener) tail(subject string) *Tail {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.tails[subject]
}

// ready queues a tail for the workers. Each tail is queued once at most, so the queue is bounded by the number of tails.
func (l *listener) ready(t *Tail) {
	l.work.Lock()
	l.work.waiting = append(l.work.waiting, t)
	l.work.Unlock()
	l.work.Signal()
}

func (l *listener) worker() {
	for {
		l.work.Lock()
		for len(l.work.waiting) == 0 && !l.work.closed {
			l.work.Wait()
		}
		if l.work.closed {
			l.work.Unlock()
			return
		}
		t := l.work.waiting[0]
		l.work.waiting = l.work.waiting[1:]
		l.work.Unlock()
		t.work()
	}
}

func (l *listener) add(t *Tail) error {
	subject := l.b.layout.Live(t.feed)
	l.mu.Lock()
	if l.tails[subject] != nil {
		l.mu.Unlock()
		return fmt.Errorf("%s %q is being followed already", t.feed.Kind, t.feed.Name)
	}
	l.tails[subject] = t
	l.mu.Unlock()
	if l.b.server != nil {
		return nil
	}
	channel := l.channels[maphash.String(l.seed, subject)%liveChannels]
	sub, err := l.b.main.ChanSubscribe(subject, channel)
	if err != nil {
		l.forget(subject)
		return fmt.Errorf("subscribe to live messages: %w", err)
	}
	t.sub = sub
	return nil
}

func (l *listener) remove(t *Tail) {
	if t.sub != nil {
		_ = t.sub.Unsubscribe()
	}
	l.forget(l.b.layout.Live(t.feed))
}

func (l *listener) forget(subject string) {
	l.mu.Lock()
	delete(l.tails, subject)
	l.mu.Unlock()
}

// count is the number of feeds that are followed.
func (l *listener) count() float64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return float64(len(l.tails))
}

// checks compares heads every so often, and when checkSoon wants it.
func (l *listener) checks(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-l.wanted:
		}
		l.checkAll(ctx)
	}
}

// checkSoon has all heads compared at once, or once more after the comparison that is under way.
func (l *listener) checkSoon() {
	select {
	case l.wanted <- struct{}{}:
	default:
	}
}

// checkAll compares the heads of all tails. A shard without an owner keeps no other one waiting.
func (l *listener) checkAll(ctx context.Context) {
	l.mu.RLock()
	byShard := map[layout.Shard][]*Tail{}
	for _, t := range l.tails {
		byShard[t.shard] = append(byShard[t.shard], t)
	}
	l.mu.RUnlock()
	var all sync.WaitGroup
	for shard, tails := range byShard {
		all.Go(func() { l.compare(ctx, shard, tails) })
	}
	all.Wait()
}

// check compares the heads of the tails of one shard.
func (l *listener) check(ctx context.Context, shard layout.Shard) {
	var tails []*Tail
	l.mu.RLock()
	for _, t := range l.tails {
		if t.shard == shard {
			tails = append(tails, t)
		}
	}
	l.mu.RUnlock()
	l.compare(ctx, shard, tails)
}

// compare asks the owner for the heads of feeds, and has those repaired that are behind. It is done every so often, and at once
// when messages may have been lost: after a reconnect, a new term, or a full channel.
func (l *listener) compare(ctx context.Context, shard layout.Shard, tails []*Tail) {
	for some := range slices.Chunk(tails, maxFeedsAsked) {
		q := question{Op: "heads"}
		for _, t := range some {
			q.Feeds = append(q.Feeds, t.feed.Key())
		}
		a, err := l.b.ask(ctx, shard, q)
		if err != nil || len(a.Heads) != len(some) {
			l.b.metrics.checkErrors.Inc()
			continue
		}
		for i, t := range some {
			if head := t.Head(); a.Heads[i] > head.Offset || a.Epoch != head.Epoch && head.Epoch != "" {
				t.suspect()
			}
		}
	}
}
