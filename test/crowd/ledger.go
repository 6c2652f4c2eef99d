package crowd

import (
	"hash/crc32"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Ledger is what one client wrote down: all that it sent and was answered, and all that it was shown. Its lists are for the time when the
// client is silent.
type Ledger struct {
	User string
	Sent []*Entry
	Seen map[string][]Sighting // by room, in the order in which they were shown

	mu sync.Mutex
}

// Entry is one message of a sender. It is kept in the order in which the sender sent to a room.
type Entry struct {
	room     string
	id       uuid.UUID
	sum      uint32   // of the text
	answers  []Answer // one for each acknowledgement
	Attempts int
	Began    time.Time
	Acked    time.Time // of the first acknowledgement
}

// Answer is what an acknowledgement says of a message: where it stands, and when the node took it, in milliseconds since 1970.
type Answer struct {
	offset uint64
	time   int64
}

// Sighting is one message that a reader was shown, or that a page of history held.
type Sighting struct {
	ID     uuid.UUID
	Offset uint64
	Time   int64     // when the sender's node took it, in milliseconds since 1970
	At     time.Time // when the reader was shown it
	sum    uint32
}

// NewLedger is an empty one.
func NewLedger(user string) *Ledger { return &Ledger{User: user, Seen: map[string][]Sighting{}} }

// begin writes down a message that is about to be sent for the first time.
func (l *Ledger) begin(room, text string) *Entry {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // no randomness: nothing can be tested
	}
	e := &Entry{room: room, id: id, sum: sum(text), Began: time.Now()}
	l.mu.Lock()
	l.Sent = append(l.Sent, e)
	l.mu.Unlock()
	return e
}

func (l *Ledger) attempt(e *Entry) {
	l.mu.Lock()
	e.Attempts++
	l.mu.Unlock()
}

func (l *Ledger) acknowledge(e *Entry, a Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.answers = append(e.answers, a)
	if e.Acked.IsZero() {
		e.Acked = time.Now()
	}
}

func (l *Ledger) see(room string, s Sighting) {
	s.At = time.Now()
	l.mu.Lock()
	l.Seen[room] = append(l.Seen[room], s)
	l.mu.Unlock()
}

// Newest is what the client was shown last in a room; zero if nothing was.
func (l *Ledger) Newest(room string) Sighting {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seen := l.Seen[room]; len(seen) > 0 {
		return seen[len(seen)-1]
	}
	return Sighting{}
}

// Shown is the number of messages that the client was shown in a room.
func (l *Ledger) Shown(room string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.Seen[room])
}

// NewestAcknowledged is the greatest acknowledged offset of each room over all ledgers.
func NewestAcknowledged(ledgers []*Ledger) map[string]uint64 {
	newest := map[string]uint64{}
	for _, l := range ledgers {
		l.mu.Lock()
		for _, e := range l.Sent {
			for _, a := range e.answers {
				newest[e.room] = max(newest[e.room], a.offset)
			}
		}
		l.mu.Unlock()
	}
	return newest
}

func sum(text string) uint32 { return crc32.ChecksumIEEE([]byte(text)) }
