package conn

import (
	"sync"
	"time"
)

// Deadlines is how many one-shot deadlines a connection has, numbered from 0; see Conn.After.
const Deadlines = 4

const (
	wheelTick  = 100 * time.Millisecond
	wheelSlots = 512
	pulse      = Deadlines // the place of the pulse in timer.due
)

// wheel is the one clock of all connections. A connection stands in one slot only, that of its earliest due time (or the farthest slot, if
// that is beyond one turn), and when the hand gets there all its times are looked at. Setting a time is a few comparisons, cancelling or
// postponing it moves nothing: the hand then finds nothing due and puts the connection where it belongs. This costs 48 bytes a connection,
// where a time.Timer for each purpose would cost some hundred and its place in a heap.
type wheel struct {
	interval uint32 // ticks between two pulses
	mu       sync.Mutex
	hand     uint32 // the last tick that was looked at
	slots    [wheelSlots]*timer
}

// timer is a connection's place in the wheel. Times are in ticks; 0 means none.
type timer struct {
	conn       *Conn
	prev, next *timer
	at         uint32
	due        [Deadlines + 1]uint32
}

func (w *wheel) init(interval time.Duration) { w.interval = max(1, uint32(interval/wheelTick)) }

// add starts the pulses, the first one after a part of the interval, from 0 to 1, so that connections that come together do not all beat
// together.
func (w *wheel) add(t *timer, part float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.due[pulse] = w.hand + 1 + uint32(part*float64(w.interval))
	w.place(t)
}

func (w *wheel) remove(t *timer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unlink(t)
	t.due = [Deadlines + 1]uint32{}
}

// set makes a deadline due after the tick at; a connection that has left the wheel stays out.
func (w *wheel) set(t *timer, kind int, at uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	due := &t.due[:Deadlines][kind] // not the pulse
	*due = max(at, w.hand+1)
	t.forget(kind)
	if t.at != 0 && *due < t.at {
		w.unlink(t)
		w.place(t)
	}
}

func (w *wheel) cancel(t *timer, kind int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.due[:Deadlines][kind] = 0
	t.forget(kind)
}

// forget needs the wheel's mu. It takes a deadline back that has fallen due, but was not handed over yet.
func (t *timer) forget(kind int) { t.conn.events.And(^(eventDeadline << kind)) }

// place needs mu, and t in no slot.
func (w *wheel) place(t *timer) {
	at := w.hand + wheelSlots - 1
	for _, due := range t.due {
		if due != 0 {
			at = min(at, max(due, w.hand+1))
		}
	}
	t.at = at
	slot := &w.slots[at%wheelSlots]
	t.prev, t.next = nil, *slot
	if t.next != nil {
		t.next.prev = t
	}
	*slot = t
}

// unlink needs mu.
func (w *wheel) unlink(t *timer) {
	if t.at == 0 {
		return
	}
	if t.next != nil {
		t.next.prev = t.prev
	}
	if t.prev != nil {
		t.prev.next = t.next
	} else {
		w.slots[t.at%wheelSlots] = t.next
	}
	t.prev, t.next, t.at = nil, nil, 0
}

// advance moves the hand, notes what falls due as events, and returns the connections that have some to deliver, appended to out.
func (w *wheel) advance(to uint32, out []*Conn) []*Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if to <= w.hand {
		return out
	}
	first, steps := w.hand+1, min(to-w.hand, wheelSlots)
	w.hand = to
	for i := range steps {
		slot := &w.slots[(first+i)%wheelSlots]
		t := *slot
		*slot = nil
		for t != nil {
			next := t.next
			if events := w.collect(t); events != 0 {
				// Not later, or else a cancellation could come between.
				t.conn.events.Or(events)
				out = append(out, t.conn)
			}
			w.place(t)
			t = next
		}
	}
	return out
}

// collect needs mu. It returns what is due of t as events.
func (w *wheel) collect(t *timer) (events uint32) {
	for kind := range Deadlines {
		if due := t.due[kind]; due != 0 && due <= w.hand {
			t.due[kind] = 0
			events |= eventDeadline << kind
		}
	}
	if due := t.due[pulse]; due != 0 && due <= w.hand {
		events |= eventPulse
		t.due[pulse] = max(due+w.interval, w.hand+1)
	}
	return events
}
