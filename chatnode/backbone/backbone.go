// Package backbone is everything that touches NATS: the one ordered, durable log of each room and user, and what nodes tell each
// other.
//
// In go drafts (Enqueue); out comes, on every node that follows a feed, the feed's messages in order, without a hole or a double
// (Follow), any part of its past (After, Before), and ephemeral signals. One node of the fleet owns each shard of the log: it reads
// the shard's stream, knows which sequences belong to which feed, and dispatches new messages to the nodes that follow them.
//
// A message is acknowledged when JetStream has stored it. Everything after that may fail, and be repaired from the log.
//
// Two things differ from the first plan, both because they proved simpler. Node leases are the beacons themselves, and not keys of
// their own. And lost last messages are found by asking the owner for heads, not by reads of the last message of each subject:
// the answer is exact up to the owner's position, which such reads from a follower are not.
package backbone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone/index"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Options say where the log is and how it is kept.
type Options struct {
	// Name is what people call this node; its id is made anew at each start.
	Name string
	// DataDir is where an embedded log lives; used if NATS.URL is empty.
	DataDir string
	NATS    NATSOptions
	// Prefix stands before every subject, stream and bucket of the cluster.
	Prefix string
	// Shards is the number of streams a kind.
	Shards int
	// Create makes streams and buckets that are missing, with the settings below; without it they must be there.
	Create   bool
	Replicas int
	MaxAge   time.Duration
	MaxBytes int64
	// Strict says that the log syncs every write to disk before it acknowledges it. For an embedded log this also makes it do so.
	Strict bool
	// Waiting, if set, makes Open wait, until its context ends, for a NATS that can be reached and has the streams and buckets; it is told
	// each time what is still missing. Without it Open fails then.
	Waiting func(missing error) `json:"-"`
	// Exclusive says that no other node uses the log, so that nothing has to be waited for. Set for an embedded log.
	Exclusive bool

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Backbone is one node's access to the log. Its methods are safe for concurrent use.
type Backbone struct {
	o      Options
	id     string
	layout layout.Layout
	log    *slog.Logger
	server *embedded

	// main carries everything for this node's clients. live carries what this node does for others as the owner of shards: its
	// beacons must prove that what they speak of has left before them. rows carries tables: a server reads a list of rows before it
	// reads on from the connection that asked for it, and no message should wait for that.
	main, live, rows          *nats.Conn
	js                        jetstream.JetStream
	leases, indexes, presence jetstream.KeyValue
	indexStore                index.Store
	replicas                  int
	replies                   *inbox
	appender                  *appender
	roster                    *roster
	election                  *election
	listen                    *listener
	metrics                   *metrics
	watches                   tableWatches
	long                      longPrefixes
	taps                      taps
	eraseTurns                eraseTurns
	appended                  atomic.Uint64
	newest, terms             []atomic.Uint64 // by shard: the newest sequence seen, and the newest term
	draining                  atomic.Bool
	ctx                       context.Context
	cancel                    context.CancelFunc
	tasks                     sync.WaitGroup
	closing                   sync.Mutex // makes the end of ctx and the start of tasks exclude each other
	learning                  sync.Mutex // guards epochs
	epochs                    map[layout.Shard]string
	failed                    chan error
	closeOnce                 func() error
}

// Open connects to the log, or starts an embedded one, and begins to take part in the fleet.
func Open(ctx context.Context, o Options) (*Backbone, error) {
	b := &Backbone{o: o, id: newNodeID(), layout: layout.New(o.Prefix, o.Shards), log: o.Logger, roster: newRoster(), failed: make(chan error, 1), epochs: map[layout.Shard]string{}}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.newest = make([]atomic.Uint64, len(b.layout.All()))
	b.terms = make([]atomic.Uint64, len(b.layout.All()))
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	b.listen = newListener(b)
	b.metrics = newMetrics(o.Registerer, b.listen.count, func() float64 { return b.appender.waiting() })
	b.appender = newAppender(b)
	b.election = newElection(b)
	b.closeOnce = sync.OnceValue(b.shut)
	if err := b.open(ctx); err != nil {
		return nil, errors.Join(err, b.closeOnce())
	}
	return b, nil
}

func newNodeID() string { return newEpoch() + newEpoch() }

func (b *Backbone) open(ctx context.Context) (err error) {
	if b.o.NATS.URL == "" {
		if b.server, err = startEmbedded(b.o.DataDir, b.o.Strict, b.log); err != nil {
			return err
		}
		b.o.Exclusive, b.o.Replicas = true, 1
		if b.o.MaxBytes, err = fitDisk(b.o.DataDir, len(b.layout.All()), b.o.MaxBytes); err != nil {
			return err
		}
	}
	for pause := firstReachPause; ; pause = min(2*pause, lastReachPause) {
		if err = b.reach(ctx); err == nil {
			break
		}
		if b.o.Waiting == nil || ctx.Err() != nil {
			return err
		}
		b.o.Waiting(err)
		if !sleep(ctx, pause) {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
	b.indexStore = index.NewKV(b.js, b.indexes)
	if b.replies, err = newInbox(b.main, b.layout.Inbox(b.id)+".a"); err != nil {
		return err
	}
	if _, err := b.live.Subscribe(b.layout.Beacon(), b.beacon); err != nil {
		return fmt.Errorf("subscribe to beacons: %w", err)
	}
	b.election.connected = time.Now() // silence before this means nothing
	for _, run := range []func(context.Context){b.listen.run, b.appender.run, b.election.run, b.sweepPresenceOfTheDead} {
		b.tasks.Go(func() { run(b.ctx) })
	}
	return nil
}

// Pauses between attempts to reach the log, which grow.
const (
	firstReachPause = 250 * time.Millisecond
	lastReachPause  = 2 * time.Second
)

// reach connects, and makes or finds streams and buckets. After an error it can be repeated.
func (b *Backbone) reach(ctx context.Context) (err error) {
	if err := b.connect(); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.main); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	return b.prepareStreams(ctx)
}

// NodeID names this node; it is new with each start.
func (b *Backbone) NodeID() string { return b.id }

// Owned is the number of shards that this node owns.
func (b *Backbone) Owned() int {
	b.election.mu.Lock()
	defer b.election.mu.Unlock()
	return len(b.election.owners)
}

// Appended counts the messages that this node has brought into the log.
func (b *Backbone) Appended() uint64 { return b.appended.Load() }

// Ready reports whether the log can be reached.
func (b *Backbone) Ready() error {
	if !b.connected() {
		return errors.New("not connected to NATS")
	}
	return nil
}

// Failed gives, once, why an embedded log can't go on.
func (b *Backbone) Failed() <-chan error { return b.failed }

// silent is told that the log has not answered for as long as an append tries. Servers elect leaders meanwhile; but a log in this
// process that is silent could not write, as when the disk is full, and takes nothing any more until it is opened anew.
func (b *Backbone) silent() {
	if b.server == nil {
		return
	}
	select {
	case b.failed <- fmt.Errorf("the log in %s takes no messages any more%s", b.o.DataDir, diskLeft(b.o.DataDir)):
	default:
	}
}

// Signal sends ephemeral data to all followers of a feed, on this node too. It is not stored, and may be lost.
func (b *Backbone) Signal(feed Feed, data []byte) error {
	subject, payload := b.layout.Live(feed), append([]byte{liveSignal}, data...)
	if b.server != nil {
		if t := b.listen.tail(subject); t != nil {
			t.push(payload)
		}
		return nil
	}
	if err := b.main.Publish(subject, payload); err != nil {
		return fmt.Errorf("send a signal: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// Drain hands this node's shards to others and takes no new ones. It keeps them while there is no other node. Everything else goes
// on until Close.
func (b *Backbone) Drain(ctx context.Context) {
	if b.draining.Swap(true) {
		return
	}
	done := make(chan struct{})
	select {
	case b.election.drain <- done:
	case <-ctx.Done():
		return
	case <-b.ctx.Done():
		return
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// Close ends everything, waits for it, and stops an embedded log. What is not acknowledged by then fails with ErrClosed.
func (b *Backbone) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), claimWait)
	defer cancel()
	b.Drain(ctx)
	return b.closeOnce()
}

// spawn runs f in a goroutine that Close waits for, unless the backbone is closed. Callbacks of the NATS client use it, which may
// come until the connections are closed; what is itself waited for may use tasks.
func (b *Backbone) spawn(f func()) {
	b.closing.Lock()
	defer b.closing.Unlock()
	if b.ctx.Err() == nil {
		b.tasks.Go(f)
	}
}

func (b *Backbone) shut() error {
	b.closing.Lock()
	b.cancel()
	b.closing.Unlock()
	b.tasks.Wait()
	for _, nc := range []*nats.Conn{b.rows, b.live, b.main} {
		if nc != nil {
			nc.Close()
		}
	}
	if b.server != nil {
		return b.server.close()
	}
	return nil
}

// saw notes that a sequence of a shard's stream exists.
func (b *Backbone) saw(shard layout.Shard, seq uint64) { raise(&b.newest[b.layout.Index(shard)], seq) }

// seen is the newest sequence of a shard's stream that this node knows of.
func (b *Backbone) seen(shard layout.Shard) uint64 { return b.newest[b.layout.Index(shard)].Load() }

// term is the newest term of a shard that this node knows of.
func (b *Backbone) term(shard layout.Shard) uint64 { return b.terms[b.layout.Index(shard)].Load() }

// learn notes a shard's term and the epoch of its stream, from a beacon, an answer or a claim of this node's own. In a new epoch, what
// was seen of the old one says nothing any more: position, up to where the stream is known to reach, takes its place.
func (b *Backbone) learn(shard layout.Shard, term uint64, epoch string, position uint64) {
	b.learning.Lock()
	defer b.learning.Unlock()
	if !b.currentTerm(shard, term) {
		return
	}
	if old := b.epochs[shard]; old != "" && old != epoch {
		b.newest[b.layout.Index(shard)].Store(position)
	}
	b.epochs[shard] = epoch
}

// currentTerm notes a term, and reports whether it is the newest.
func (b *Backbone) currentTerm(shard layout.Shard, term uint64) bool {
	return raise(&b.terms[b.layout.Index(shard)], term) == term
}

// raise sets a to v if v is greater, and gives the greater one.
func raise(a *atomic.Uint64, v uint64) uint64 {
	for {
		old := a.Load()
		if old >= v {
			return old
		}
		if a.CompareAndSwap(old, v) {
			return v
		}
	}
}

// beacon takes another node's beacon in, or this node's own as it came back.
func (b *Backbone) beacon(m *nats.Msg) {
	beacon, err := parseBeacon(m.Data)
	if err != nil {
		b.metrics.malformed.Inc()
		return
	}
	for _, c := range b.roster.note(beacon, time.Now()) {
		if !b.layout.Has(c.shard) {
			continue
		}
		b.learn(c.shard, c.term, c.epoch, c.position)
		b.spawn(func() { b.listen.check(b.ctx, c.shard) })
	}
}
