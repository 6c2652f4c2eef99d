package hook

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// tapName stands, in the fleet, for how far events have been delivered.
const tapName = "webhook"

// Types are the types of event that rooms have.
var Types = []string{"message", "edit", "delete", "reaction", "member", "room"}

// EventsOptions say whom to tell of what has happened.
type EventsOptions struct {
	// URL of the receiver; see CheckURL.
	URL string
	// Secrets gives what requests are signed with; see ParseSecrets. It is asked for each request.
	Secrets func() [][]byte
	// Types are those to tell of.
	Types []string
	// Form is what the receiver gets; nil: the event as it is, see Event.
	Form Form
	// Beside, if it is not empty, is the beginning of names of feeds that the form knows, besides those of rooms. Whatever their type, all of
	// their events are told.
	Beside string
	// Timeout bounds one attempt.
	Timeout time.Duration
	// GiveUp is how long after its first attempt an event that is not taken becomes a dead letter; it does so after 100 attempts too.
	GiveUp     time.Duration
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// bounds of what is held and done at a time, and pauses between attempts.
type bounds struct {
	parallel int // requests
	// A room holds so many events in memory, and all rooms together about so many bytes. What is beyond waits in the log.
	perRoom, bytes int
	// rooms is how many may have events waiting. Beyond it, the tap waits.
	rooms                 int
	attempts              int
	firstPause, lastPause time.Duration
}

var defaultBounds = bounds{
	parallel: 32, perRoom: 16, bytes: 32 << 20, rooms: 4096, attempts: 100, firstPause: 500 * time.Millisecond, lastPause: 5 * time.Minute,
}

// Events delivers what happens in rooms to a webhook. It is a tap of the log: on each node it delivers for the shards that the node
// owns. Each room has one request out at a time; what fails holds back its room only.
type Events struct {
	o        EventsOptions
	b        bounds
	types    map[string]bool
	log      *backbone.Backbone
	endpoint *endpoint
	metrics  *eventMetrics
	logger   *slog.Logger

	mu      sync.Mutex
	rooms   map[backbone.Feed]*room // that have something waiting
	held    int                     // bytes of events in memory, in all rooms
	ready   []*room                 // whose turn it is, in order
	working int
	closed  bool
	freed   chan struct{} // closed when a room has nothing waiting any more
	workers sync.WaitGroup
}

// NewEvents begins to deliver.
func NewEvents(log *backbone.Backbone, o EventsOptions) (*Events, error) {
	e, err := newEvents(log, o, defaultBounds)
	if err != nil {
		return nil, err
	}
	return e, e.tap()
}

func newEvents(log *backbone.Backbone, o EventsOptions, b bounds) (*Events, error) {
	endpoint, err := newEndpoint(o.URL, o.Secrets, b.parallel)
	if err != nil {
		return nil, fmt.Errorf("the address of the webhook: %w", err)
	}
	e := &Events{
		o: o, b: b, types: map[string]bool{}, log: log, endpoint: endpoint, logger: o.Logger,
		rooms: map[backbone.Feed]*room{}, freed: make(chan struct{}),
	}
	if e.logger == nil {
		e.logger = slog.New(slog.DiscardHandler)
	}
	if e.o.Form == nil {
		e.o.Form = ownForm
	}
	for _, t := range o.Types {
		e.types[t] = true
	}
	e.metrics = newEventMetrics(o.Registerer, e)
	return e, nil
}

func (e *Events) tap() error {
	return e.log.Tap(tapName, backbone.TapOptions{Kinds: []layout.Kind{layout.Room}}, e)
}

// Close ends the deliveries after the requests that are out. What is not taken by then is delivered by the next owner of its shard.
// The backbone is closed after it.
func (e *Events) Close() {
	e.mu.Lock()
	e.closed = true
	e.ready = nil
	e.mu.Unlock()
	e.workers.Wait()
	e.endpoint.close()
}

// Message takes an event from the log. It waits while too many rooms have events waiting.
func (e *Events) Message(ctx context.Context, m backbone.Tapped) error {
	if !e.concerns(m.Feed, m.Message) {
		m.Done()
		return nil
	}
	for {
		freed, taken := e.take(ctx, m)
		if taken {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-freed:
		}
	}
}

// take puts an event into its room's queue, or says what to wait for.
func (e *Events) take(ctx context.Context, m backbone.Tapped) (freed <-chan struct{}, taken bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.rooms[m.Feed]
	if r != nil && r.ctx != ctx {
		e.forget(r) // of an earlier ownership, which has ended
		r = nil
	}
	if r == nil {
		if len(e.rooms) >= e.b.rooms || e.closed {
			return e.freed, false
		}
		r = e.newRoom(ctx, m.Feed)
	}
	switch {
	case r.rest != nil:
		r.rest.until = m.Message.Offset
		m.Done() // the rest's hold is for this one too
	case len(r.queue) >= e.b.perRoom || e.held >= e.b.bytes:
		r.rest = &rest{
			after: m.Message.Offset - 1, until: m.Message.Offset, time: m.Message.Time, epoch: m.Epoch, hold: &hold{m.Message.Offset, m.Done},
		}
	default:
		r.queue = append(r.queue, waiting{m.Message, m.Epoch, &hold{m.Message.Offset, m.Done}})
		e.held += m.Message.Size()
	}
	e.wake(r)
	return nil, true
}

// wake brings a room to the workers, unless it is on its way there, in their hands, or in a pause.
func (e *Events) wake(r *room) {
	if r.engaged || r.gone || e.closed {
		return
	}
	r.engaged = true
	e.ready = append(e.ready, r)
	if e.working < e.b.parallel {
		e.working++
		e.workers.Go(e.work)
	}
}

// work serves rooms in the order in which they became ready, until none is.
func (e *Events) work() {
	for {
		e.mu.Lock()
		if len(e.ready) == 0 {
			e.working--
			e.mu.Unlock()
			return
		}
		r := e.ready[0]
		e.ready = e.ready[1:]
		e.mu.Unlock()
		e.serve(r)
	}
}

// figures are what the gauges show; oldest is in seconds.
type figures struct{ bytes, rooms, oldest float64 }

func (e *Events) figures() figures {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := figures{bytes: float64(e.held), rooms: float64(len(e.rooms))}
	now := time.Now()
	for _, r := range e.rooms {
		f.oldest = max(f.oldest, now.Sub(time.UnixMilli(r.oldest())).Seconds())
	}
	return f
}
