package chaos

import (
	"hash/crc32"
	"sync"
	"time"

	"github.com/google/uuid"
)

// ledger is what one client wrote down: all that it sent and was answered, and all that it was shown.
type ledger struct {
	user string

	mu   sync.Mutex
	sent []*entry
	seen map[string][]sighting // by room, in the order in which they were shown
}

// entry is one message of a sender. It is kept in the order in which the sender sent to a room.
type entry struct {
	room     string
	id       uuid.UUID
	sum      uint32 // of the text
	attempts int
	answers  []answer // one for each acknowledgement
	began    time.Time
	acked    time.Time // of the first acknowledgement
}

// answer is what an acknowledgement says of a message: where it stands, and when the node took it, in milliseconds since 1970.
type answer struct {
	offset uint64
	time   int64
}

// sighting is one message that a reader was shown, or that a page of history held.
type sighting struct {
	id     uuid.UUID
	offset uint64
	sum    uint32
	sent   int64 // when the sender's node took it, in milliseconds since 1970
	at     time.Time
}

func newLedger(user string) *ledger { return &ledger{user: user, seen: map[string][]sighting{}} }

// begin writes down a message that is about to be sent for the first time.
func (l *ledger) begin(room, text string) *entry {
	id, err := uuid.NewV7()
	if err != nil {
		panic(err) // no randomness: nothing can be tested
	}
	e := &entry{room: room, id: id, sum: sum(text), began: time.Now()}
	l.mu.Lock()
	l.sent = append(l.sent, e)
	l.mu.Unlock()
	return e
}

func (l *ledger) attempt(e *entry) {
	l.mu.Lock()
	e.attempts++
	l.mu.Unlock()
}

func (l *ledger) acknowledge(e *entry, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.answers = append(e.answers, a)
	if e.acked.IsZero() {
		e.acked = time.Now()
	}
}

func (l *ledger) see(room string, s sighting) {
	s.at = time.Now()
	l.mu.Lock()
	l.seen[room] = append(l.seen[room], s)
	l.mu.Unlock()
}

// newest is what the client was shown last in a room; zero if nothing was.
func (l *ledger) newest(room string) sighting {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seen := l.seen[room]; len(seen) > 0 {
		return seen[len(seen)-1]
	}
	return sighting{}
}

// newestAcknowledged is the greatest acknowledged offset of each room over all ledgers.
func newestAcknowledged(ledgers []*ledger) map[string]uint64 {
	newest := map[string]uint64{}
	for _, l := range ledgers {
		l.mu.Lock()
		for _, e := range l.sent {
			for _, a := range e.answers {
				newest[e.room] = max(newest[e.room], a.offset)
			}
		}
		l.mu.Unlock()
	}
	return newest
}

func sum(text string) uint32 { return crc32.ChecksumIEEE([]byte(text)) }
