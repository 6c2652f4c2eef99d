package backbone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Bounds of appending, per shard.
const (
	// appendWindow is how many appends of one shard are unacknowledged at a time. More gives no throughput, only latency.
	appendWindow = 256
	// maxWaiting is how many appends of one shard may wait, in flight or behind others; beyond it they are refused with ErrBusy.
	maxWaiting = 8192
	// maxLine is how many appends of one sender to one feed may wait.
	maxLine = 128
)

// Times of appending.
const (
	// ackWait is how long an acknowledgement may take before the message is sent again under the same id.
	ackWait = 1500 * time.Millisecond
	// retryWait is the pause after an answer that says to try again.
	retryWait = 100 * time.Millisecond
	// giveUp bounds all attempts of one append, from its start or the look-up of its id. It ends well within layout.DuplicateWindow, so
	// no attempt can store a message twice; see also attemptsEnd.
	giveUp = 20 * time.Second
	// sweepEvery is how often what is in flight is looked at.
	sweepEvery = 50 * time.Millisecond
)

// Header names of stored messages, beside NATS's own.
const infoHeader = "Info"

// Answers of JetStream, by error code, after which the same publish may succeed.
var temporaryCodes = map[int]bool{
	10008: true, // JetStream system temporarily unavailable
	10009: true, // cluster has no leader
	10023: true, // insufficient resources
	10076: true, // JetStream not enabled (a server that is starting)
	10077: true, // storing failed
	10109: true, // API rate limit
	10118: true, // stream is offline
	10158: true, // the same message id is being stored at this moment
	10167: true, // too many requests
}

// Pending is an append under way.
type Pending struct {
	feed  Feed
	draft Draft
	id    string // as stored

	done    chan struct{}
	receipt Receipt
	err     error

	// The rest belongs to the shard's lock.
	line    *line
	enqueue time.Time
	end     time.Time // no attempt is made after it
	retryAt time.Time
	numbers []uint64 // of the replies that are expected
}

// Wait returns when the message is durable, when the append has failed for good, or when ctx ends; then the append goes on, and the
// outcome is there for a retry with the same id. Errors: ErrUnavailable, ErrBusy, ErrStaleID, ErrClosed, or the context's.
func (p *Pending) Wait(ctx context.Context) (Receipt, error) {
	select {
	case <-p.done:
		return p.receipt, p.err
	case <-ctx.Done():
		return Receipt{}, ctx.Err()
	}
}

// Data is what is being appended: if an append under way was joined, that of the one who began it.
func (p *Pending) Data() []byte { return p.draft.Data }

// lineKey names the messages whose order is kept by having only one of them in flight.
type lineKey struct{ sender, feed string }

type line struct {
	key     lineKey
	waiting []*Pending // the first is under way
}

// appender appends to the streams: a bounded window per shard, one message in flight per sender and feed, the same id again until
// there is an answer.
type appender struct {
	b      *Backbone
	shards map[layout.Shard]*appendShard
	// launched wakes the sweeper, which rests while nothing is in flight.
	launched chan struct{}
}

type appendShard struct {
	a     *appender
	shard layout.Shard

	mu      sync.Mutex
	byID    map[string]*Pending
	lines   map[lineKey]*line
	ready   []*Pending // wait for a place in the window
	flights map[*Pending]struct{}
	closed  bool
}

func newAppender(b *Backbone) *appender {
	a := &appender{b: b, shards: map[layout.Shard]*appendShard{}, launched: make(chan struct{}, 1)}
	for _, shard := range b.layout.All() {
		a.shards[shard] = &appendShard{
			a: a, shard: shard,
			byID: map[string]*Pending{}, lines: map[lineKey]*line{}, flights: map[*Pending]struct{}{},
		}
	}
	return a
}

// Enqueue starts to append a message and returns at once. An append with the same id that is already under way is joined. Calls of
// one goroutine for one sender and feed are stored in that order.
func (b *Backbone) Enqueue(feed Feed, d Draft) *Pending {
	return b.appender.shards[b.layout.ShardOf(feed)].enqueue(feed, d)
}

func (s *appendShard) enqueue(feed Feed, d Draft) *Pending {
	id := storedID(feed, &d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byID[id]; p != nil {
		return p
	}
	p := &Pending{feed: feed, draft: d, id: id, done: make(chan struct{}), enqueue: time.Now()}
	key := lineKey{d.Sender, feed.Key()}
	l := s.lines[key]
	switch {
	case s.closed:
		p.fail(ErrClosed)
		return p
	case len(s.byID) >= maxWaiting || l != nil && len(l.waiting) >= maxLine:
		s.a.b.metrics.appends.WithLabelValues("busy").Inc()
		p.fail(ErrBusy)
		return p
	case l == nil:
		l = &line{key: key}
		s.lines[key] = l
	}
	p.line = l
	s.byID[id] = p
	l.waiting = append(l.waiting, p)
	if len(l.waiting) == 1 {
		s.start(p)
	}
	return p
}

func (p *Pending) fail(err error) {
	p.err = err
	close(p.done)
}

// start brings the first of a line on its way: at once, or after the owner has looked its id up.
func (s *appendShard) start(p *Pending) {
	now := time.Now()
	p.end = attemptsEnd(p.draft.ID, now)
	switch freshnessOf(p.draft.ID, now) {
	case stale:
		s.finish(p, Receipt{}, ErrStaleID)
	case lookUp:
		s.a.b.tasks.Go(func() { s.lookUp(p) })
	default:
		s.launch(p)
	}
}

// lookUp asks the shard's owner whether a message with that id is stored, and appends it if it is not.
func (s *appendShard) lookUp(p *Pending) {
	ctx, cancel := context.WithTimeout(s.a.b.ctx, giveUp)
	defer cancel()
	offset, err := s.a.b.find(ctx, p.feed, p.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.finish(p, Receipt{}, fmt.Errorf("look up message id: %w", err))
	case offset > 0:
		s.finish(p, Receipt{Offset: offset, Duplicate: true}, nil)
	default:
		s.launch(p)
	}
}

func (s *appendShard) launch(p *Pending) {
	if s.closed {
		s.finish(p, Receipt{}, ErrClosed)
		return
	}
	if time.Now().After(p.end) {
		s.finish(p, Receipt{}, ErrUnavailable)
		return
	}
	if len(s.flights) >= appendWindow {
		s.ready = append(s.ready, p)
		return
	}
	s.flights[p] = struct{}{}
	select {
	case s.a.launched <- struct{}{}:
	default:
	}
	s.send(p)
}

// send publishes the message once more.
func (s *appendShard) send(p *Pending) {
	b := s.a.b
	subject, number := b.replies.expect(func(m *nats.Msg) { s.answered(p, m) })
	p.numbers = append(p.numbers, number)
	p.retryAt = time.Now().Add(ackWait)
	header := nats.Header{nats.MsgIdHdr: {p.id}}
	if len(p.draft.Info) > 0 {
		header[infoHeader] = []string{string(p.draft.Info)}
	}
	if note := p.draft.Note.String(); note != "" {
		header[noteHeader] = []string{note}
	}
	if len(p.numbers) > 1 {
		b.metrics.appendRetries.Inc()
	}
	msg := &nats.Msg{Subject: b.layout.Stored(p.feed), Reply: subject, Header: header, Data: p.draft.Data}
	if err := b.main.PublishMsg(msg); err != nil {
		p.retryAt = time.Now().Add(retryWait)
	}
}

// answered takes the answer to one attempt.
func (s *appendShard) answered(p *Pending, m *nats.Msg) {
	receipt, err := parseAck(m)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, flying := s.flights[p]; !flying {
		return
	}
	if errors.Is(err, errAgain) {
		p.retryAt = time.Now().Add(retryWait)
		return
	}
	s.finish(p, receipt, err)
}

// errAgain says that the same message should be sent once more.
var errAgain = errors.New("try again")

// parseAck reads a PubAck.
func parseAck(m *nats.Msg) (Receipt, error) {
	if m.Header.Get("Status") != "" {
		return Receipt{}, errAgain // no responders: no leader at the moment
	}
	var ack struct {
		Seq       uint64 `json:"seq"`
		Duplicate bool   `json:"duplicate"`
		Error     *struct {
			Code        int    `json:"err_code"`
			Description string `json:"description"`
		} `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return Receipt{}, errAgain
	}
	switch {
	case ack.Error == nil && ack.Seq > 0:
		return Receipt{ack.Seq, ack.Duplicate}, nil
	case ack.Error == nil || temporaryCodes[ack.Error.Code]:
		return Receipt{}, errAgain
	default:
		return Receipt{}, fmt.Errorf("store the message: %s (%d)", ack.Error.Description, ack.Error.Code)
	}
}

// finish ends an append, and starts those that waited for it.
func (s *appendShard) finish(p *Pending, r Receipt, err error) {
	b := s.a.b
	delete(s.byID, p.id)
	delete(s.flights, p)
	for _, n := range p.numbers {
		b.replies.forget(n)
	}
	p.receipt, p.err = r, err
	b.metrics.appended(p, time.Now())
	if errors.Is(err, ErrUnavailable) {
		b.silent()
	}
	if err == nil {
		b.saw(s.shard, r.Offset)
		b.appended.Add(1)
	}
	close(p.done)

	p.line.waiting = p.line.waiting[1:]
	switch {
	case len(p.line.waiting) == 0:
		delete(s.lines, p.line.key)
	case errors.Is(err, ErrUnavailable) || errors.Is(err, ErrClosed):
		// What waits behind it is older than a client waits, and would overtake it.
		s.finish(p.line.waiting[0], Receipt{}, err)
	default:
		s.start(p.line.waiting[0])
	}
	for len(s.ready) > 0 && len(s.flights) < appendWindow {
		next := s.ready[0]
		s.ready = s.ready[1:]
		s.launch(next)
	}
}

// sweep sends again what has had no answer, and gives up what has had none for too long.
func (s *appendShard) sweep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := range s.flights {
		now := time.Now() // not the tick's: the lock, a send, or a process that was stopped may have made it late
		switch {
		case now.After(p.end):
			s.finish(p, Receipt{}, ErrUnavailable)
		case now.After(p.retryAt):
			s.send(p)
		}
	}
}

func (s *appendShard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for p := range s.flights {
		s.finish(p, Receipt{}, ErrClosed)
	}
}

// waiting is the number of appends under way or in line.
func (a *appender) waiting() float64 {
	n := 0
	for _, s := range a.shards {
		s.mu.Lock()
		n += len(s.byID)
		s.mu.Unlock()
	}
	return float64(n)
}

// run sweeps all shards, while anything is in flight, until ctx ends; then everything under way fails with ErrClosed.
func (a *appender) run(ctx context.Context) {
	for ctx.Err() == nil {
		if !a.flying() {
			select {
			case <-ctx.Done():
			case <-a.launched:
			}
		}
		if !sleep(ctx, sweepEvery) {
			break
		}
		for _, s := range a.shards {
			s.sweep()
		}
	}
	for _, s := range a.shards {
		s.close()
	}
}

// flying reports whether any append is in flight.
func (a *appender) flying() bool {
	for _, s := range a.shards {
		s.mu.Lock()
		n := len(s.flights)
		s.mu.Unlock()
		if n > 0 {
			return true
		}
	}
	return false
}
