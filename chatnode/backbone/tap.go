package backbone

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// Tap is given every stored message once more, after the fact: to tell others of it, or to make it findable.
//
// Every node of a fleet registers the same taps; the one that owns a shard of the log hands that shard's messages over. Each message
// comes at least once, whatever crashes: where a tap has got to is noted in the fleet, and the next owner goes on from there. A shard
// has one owner, except that a node that was cut off may for a moment not know that it is replaced; then both hand the same messages
// over. So messages come twice around a take-over or a crash, never out of order otherwise, and none is left out but those that are
// erased or discarded before their turn.
type Tap interface {
	// Message is the shard's next message. Calls for one shard come one at a time and in the order of the log; shards come
	// concurrently. A call may take long, which delays nothing but this tap.
	//
	// ctx ends when this node stops handing the shard's messages over; the call must return then. What is not done by that time will
	// be handed over again, here or elsewhere, and should be dropped.
	//
	// An error means that the tap can't go on: after a pause, reading begins again with the oldest message that is not done.
	Message(ctx context.Context, m Tapped) error
}

// Tapped is a message in the hands of a tap.
type Tapped struct {
	Feed Feed
	// Epoch names the incarnation of the log in which the message has its offset.
	Epoch   string
	Message *Message
	// Done says that the message is taken care of. It may be called at any time, from any goroutine, out of order and more than
	// once. What is not done is handed over again after a crash or a take-over, with everything that came after it in its shard.
	Done func()
}

// TapOptions say what a tap is given.
type TapOptions struct {
	// Kinds of feeds; none means all.
	Kinds []layout.Kind
	// FromStart gives a tap that the fleet has never seen before everything that is stored. Without it, such a tap begins with what
	// is stored from now on.
	FromStart bool
	// Begin, if there is one, says up to which offset the tap has a shard's messages already: for a tap that keeps that itself, each
	// node its own. Then the fleet notes nothing of it, and Done is for the gauges only. It is asked whenever this node
	// begins to hand the shard's messages over, with the log's epoch and the last offset in it; an error begins again.
	Begin func(ctx context.Context, shard layout.Shard, epoch string, last uint64) (after uint64, err error)
	// CaughtUp, if there is one, is told when the shard has nothing more to hand over for the moment, and up to which offset that is so: its
	// last messages may be erased. It is called like Message.
	CaughtUp func(shard layout.Shard, offset uint64)
	// Anew, if there is one, gives a channel that is closed when the tap has lost what it had: then Begin is asked again.
	Anew func() <-chan struct{}
}

// Tap begins to hand messages over to a tap, until the backbone is closed. The name stands for where the tap has got to, in the whole
// fleet; a node can register each name once. Where that is lives in the table layout.Cursors, in a row for each name and shard, which
// is written at most once a second and when the shard changes hands.
func (b *Backbone) Tap(name string, o TapOptions, t Tap) error {
	if name == "" {
		return errors.New("a tap needs a name")
	}
	if len(o.Kinds) == 0 {
		o.Kinds = layout.Kinds[:]
	}
	return b.taps.add(&tap{name: name, TapOptions: o, to: t}, b.o.Registerer)
}

// tap is a registered one.
type tap struct {
	TapOptions
	name    string
	to      Tap
	metrics *tapMetrics
}

// taps are those of a node.
type taps struct {
	mu      sync.Mutex
	all     []*tap
	changed chan struct{} // closed at the next registration
}

func (t *taps) add(one *tap, r prometheus.Registerer) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if slices.ContainsFunc(t.all, func(o *tap) bool { return o.name == one.name }) {
		return fmt.Errorf("there is a tap %q already", one.name)
	}
	one.metrics = newTapMetrics(r, one.name)
	t.all = append(t.all, one)
	if t.changed != nil {
		close(t.changed)
		t.changed = nil
	}
	return nil
}

// list gives the taps, and a channel that is closed when there are more.
func (t *taps) list() ([]*tap, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = make(chan struct{})
	}
	return t.all, t.changed
}

// runTaps hands the shard's messages to every tap until ctx ends.
func (o *owner) runTaps(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for started := 0; ; {
		all, changed := o.b.taps.list()
		for _, t := range all[started:] {
			if slices.Contains(t.Kinds, o.shard.Kind) {
				running.Go(func() { o.runTap(ctx, t) })
			}
		}
		started = len(all)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// runTap hands the shard's messages to one tap, and begins again after failures.
func (o *owner) runTap(ctx context.Context, t *tap) {
	for sure := false; ; {
		err := (&tapping{tap: t, o: o, sure: sure}).run(ctx)
		if ctx.Err() != nil {
			return
		}
		t.metrics.breaks.Inc()
		o.b.log.Warn("a tap stopped, and begins again where it was not done", "tap", t.name, "shard", o.shard.String(), "error", err)
		pause := tapRetryWait
		if errors.Is(err, errTapDeposed) {
			// If that is so, this owner ends soon; one that doesn't is the owner, of a log in which terms were lost.
			pause, sure = tapDeposedWait, true
		}
		if !sleep(ctx, pause) {
			return
		}
	}
}

// tapMetrics are the figures of one tap.
type tapMetrics struct {
	handed, breaks, behind, cursorErrors prometheus.Counter
	undone                               prometheus.Gauge
}

func newTapMetrics(r prometheus.Registerer, name string) *tapMetrics {
	labels := prometheus.Labels{"tap": name}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "chatnode_log_" + name + "_total", Help: help, ConstLabels: labels})
	}
	m := &tapMetrics{
		handed:       counter("tapped", "Stored messages that were handed to a tap, by tap."),
		breaks:       counter("tap_breaks", "Times that a tap stopped and began again with what was not done."),
		cursorErrors: counter("tap_cursor_errors", "Failed writes of where a tap has got to, which are repeated."),
		behind:       counter("tap_behind", "Times that a tap was so much slower than the shard's owner that it went on by reading the log itself."),
		undone: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "chatnode_log_tap_undone", Help: "Messages that a tap was handed and has not reported done.", ConstLabels: labels,
		}),
	}
	register(r, m.handed, m.breaks, m.behind, m.cursorErrors, m.undone)
	return m
}
