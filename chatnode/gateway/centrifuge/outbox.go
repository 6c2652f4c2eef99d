package centrifuge

import (
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chatfleet/chatfleet/chatnode/conn"
	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
)

// flushBytes is how much is collected for one frame while the outbox is held.
const flushBytes = 64 << 10

// outbox writes a session's replies: those that are ready together in one frame, and each whole, also if the connection's queue is full
// at the moment. Pushes to subscribers don't pass through it.
type outbox struct {
	conn    *conn.Conn
	encoder encoder
	limit   int
	waiting prometheus.Gauge

	// blocked is true while replies wait for the connection's queue. Nothing else may be written then.
	blocked atomic.Bool

	mu      sync.Mutex
	held    bool
	payload []byte
	// then is to be called when payload is written.
	then []func()
	// counted is how much of payload is in the gauge.
	counted int
}

var payloads = sync.Pool{New: func() any { return new([1 << 10]byte)[:0] }}

func takePayload() []byte { return payloads.Get().([]byte)[:0] }

func givePayload(b []byte) {
	if cap(b) <= flushBytes {
		payloads.Put(b) //nolint:staticcheck // the slice header costs 24 bytes, a pointer to it would have to be carried everywhere
	}
}

// send writes a reply, or adds it to what waits. then, if not nil, is called once the reply is on its way, without a lock of the
// outbox. False: more waits than the limit.
func (o *outbox) send(r *protocol.Reply, then func()) bool {
	o.mu.Lock()
	if o.payload == nil {
		o.payload = takePayload()
	}
	o.payload = protocol.AppendReply(o.encoder.encoding, o.encoder.encoding.AppendSeparator(o.payload), r)
	if then != nil {
		o.then = append(o.then, then)
	}
	var done []func()
	if !o.held || len(o.payload) >= flushBytes {
		done = o.flush()
	}
	fits := len(o.payload) <= o.limit
	o.mu.Unlock()
	call(done)
	return fits
}

// hold makes replies wait until release, so that they share a frame.
func (o *outbox) hold() {
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
}

func (o *outbox) release() {
	o.mu.Lock()
	o.held = false
	done := o.flush()
	o.mu.Unlock()
	call(done)
}

// drained goes on after the connection's queue was full. False: it is full again.
func (o *outbox) drained() bool {
	o.mu.Lock()
	o.blocked.Store(false)
	done := o.flush()
	free := !o.blocked.Load()
	o.mu.Unlock()
	call(done)
	return free
}

// flush needs mu. It gives what is to be called afterwards.
func (o *outbox) flush() []func() {
	if len(o.payload) == 0 || o.blocked.Load() {
		o.count(len(o.payload))
		return nil
	}
	wire := o.encoder.wire(takePayload(), o.payload)
	taken := o.conn.Write(wire)
	givePayload(wire)
	if !taken {
		o.blocked.Store(true)
		o.count(len(o.payload))
		return nil
	}
	givePayload(o.payload)
	done := o.then
	o.payload, o.then = nil, nil
	o.count(0)
	return done
}

// count needs mu. It says how many bytes wait.
func (o *outbox) count(bytes int) {
	if bytes != o.counted {
		o.waiting.Add(float64(bytes - o.counted))
		o.counted = bytes
	}
}

// close forgets what waits. What comes later goes to the connection, which is over and drops it.
func (o *outbox) close() {
	o.mu.Lock()
	o.blocked.Store(false)
	o.payload, o.then = nil, nil
	o.count(0)
	o.mu.Unlock()
}

func call(functions []func()) {
	for _, f := range functions {
		f()
	}
}
