package backbone

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// inbox receives the answers to many requests in flight by one wildcard subscription, without a goroutine, a channel or a timer
// for each. Handlers run on the subscription's goroutine, one at a time: they must not block.
type inbox struct {
	prefix string
	next   atomic.Uint64
	sub    *nats.Subscription
	shards [16]struct {
		sync.Mutex
		waiting map[uint64]func(*nats.Msg)
	}
}

func newInbox(nc *nats.Conn, prefix string) (*inbox, error) {
	in := &inbox{prefix: prefix + "."}
	for i := range in.shards {
		in.shards[i].waiting = map[uint64]func(*nats.Msg){}
	}
	sub, err := nc.Subscribe(in.prefix+"*", in.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribe to replies: %w", err)
	}
	// A reply that is dropped is asked for again, but bounded by the callers' windows they all fit.
	if err := sub.SetPendingLimits(1<<18, 256<<20); err != nil {
		return nil, fmt.Errorf("bound the replies: %w", err)
	}
	in.sub = sub
	return in, nil
}

// expect registers a handler for one reply, and gives the subject to reply to and a number for forget.
func (in *inbox) expect(handle func(*nats.Msg)) (subject string, number uint64) {
	number = in.next.Add(1)
	s := &in.shards[number%16]
	s.Lock()
	s.waiting[number] = handle
	s.Unlock()
	return in.prefix + strconv.FormatUint(number, 36), number
}

// forget takes a handler back; it reports whether the handler had not been called.
func (in *inbox) forget(number uint64) bool { return in.take(number) != nil }

func (in *inbox) take(number uint64) func(*nats.Msg) {
	s := &in.shards[number%16]
	s.Lock()
	defer s.Unlock()
	handle := s.waiting[number]
	delete(s.waiting, number)
	return handle
}

func (in *inbox) deliver(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, in.prefix), 36, 64)
	if err != nil {
		return
	}
	if handle := in.take(number); handle != nil {
		handle(m)
	}
}
