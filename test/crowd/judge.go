package crowd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Verdict is what ledgers and the history of the log say of a run.
type Verdict struct {
	Acknowledged, Stored, Shown int

	Lost      Findings // acknowledged and not in the history, or in the history and not shown to a reader of the room
	Doubled   Findings // stored or shown more than once
	Reordered Findings // shown in another order than the history's, or a sender's messages in another than the sender's
	Moved     Findings // acknowledged or shown with another offset or time than the history's
	Altered   Findings // shown or stored with another text, or sent by nobody
}

// Findings counts, and describes the first few.
type Findings struct {
	Count    int
	examples []string
}

func (f *Findings) add(format string, args ...any) {
	const most = 10
	if f.Count++; f.Count <= most {
		f.examples = append(f.examples, fmt.Sprintf(format, args...))
	}
}

// Judge compares the ledgers with each other and with the history of each room, oldest first. It is for the time when every message has
// been acknowledged and every reader has what there is.
func Judge(ledgers []*Ledger, history map[string][]Sighting) *Verdict {
	v := &Verdict{}
	sent := map[uuid.UUID]*Entry{}
	for _, l := range ledgers {
		for _, e := range l.Sent {
			sent[e.id] = e
		}
	}
	stored := map[uuid.UUID]Sighting{} // where a message stands first
	for room, log := range history {
		v.Stored += len(log)
		v.judgeHistory(room, log, sent)
		for _, s := range log {
			if _, again := stored[s.ID]; !again {
				stored[s.ID] = s
			}
		}
	}
	for _, l := range ledgers {
		for room, seen := range l.Seen {
			v.Shown += len(seen)
			v.judgeReader(l.User+" in "+room, seen, history[room])
		}
		v.judgeSender(l, stored)
	}
	return v
}

// judgeHistory looks for what the log alone shows.
func (v *Verdict) judgeHistory(room string, log []Sighting, sent map[uuid.UUID]*Entry) {
	v.judgeOrder("the history of "+room, log)
	for _, s := range log {
		switch e := sent[s.ID]; {
		case e == nil || e.room != room:
			v.Altered.add("the history of %s holds %s, which nobody sent there", room, s.ID)
		case e.sum != s.sum:
			v.Altered.add("the history of %s holds %s with another text", room, s.ID)
		}
	}
}

// judgeOrder looks for doubles and for offsets that don't grow.
func (v *Verdict) judgeOrder(where string, list []Sighting) {
	ids := make(map[uuid.UUID]bool, len(list))
	last := uint64(0)
	for _, s := range list {
		switch {
		case ids[s.ID]:
			v.Doubled.add("%s: %s comes again, at offset %d", where, s.ID, s.Offset)
		case s.Offset <= last:
			v.Reordered.add("%s: offset %d after %d", where, s.Offset, last)
		}
		ids[s.ID] = true
		last = max(last, s.Offset)
	}
}

// judgeReader compares what a reader was shown with the history.
func (v *Verdict) judgeReader(who string, seen, log []Sighting) {
	if slices.EqualFunc(seen, log, Sighting.same) {
		return
	}
	v.judgeOrder(who, seen)
	stored := make(map[uuid.UUID]Sighting, len(log))
	for _, s := range log {
		stored[s.ID] = s
	}
	shown := make(map[uuid.UUID]bool, len(seen))
	for _, s := range seen {
		shown[s.ID] = true
		switch kept, ok := stored[s.ID]; {
		case !ok:
			v.Altered.add("%s was shown %s (offset %d), which the history lacks", who, s.ID, s.Offset)
		case kept.Offset != s.Offset:
			v.Moved.add("%s was shown %s at offset %d, the history has %d", who, s.ID, s.Offset, kept.Offset)
		case kept.sum != s.sum:
			v.Altered.add("%s was shown %s with another text", who, s.ID)
		}
	}
	for _, s := range log {
		if !shown[s.ID] {
			v.Lost.add("%s was not shown %s (offset %d)", who, s.ID, s.Offset)
		}
	}
}

// judgeSender compares what a sender was answered with the history.
func (v *Verdict) judgeSender(l *Ledger, stored map[uuid.UUID]Sighting) {
	last := map[string]uint64{}
	for _, e := range l.Sent {
		kept, ok := stored[e.id]
		if len(e.answers) > 0 {
			v.Acknowledged++
		}
		for _, a := range e.answers {
			switch {
			case !ok:
				v.Lost.add("%s was acknowledged %s (offset %d) in %s, the history lacks it", l.User, e.id, a.offset, e.room)
			case a != Answer{kept.Offset, kept.Time}:
				v.Moved.add("%s was acknowledged %s with %+v, the history has it at offset %d with time %d", l.User, e.id, a, kept.Offset, kept.Time)
			}
		}
		if ok && kept.Offset < last[e.room] {
			v.Reordered.add("%s sent %s later than what stands behind it (offset %d) in %s", l.User, e.id, kept.Offset, e.room)
		}
		last[e.room] = max(last[e.room], kept.Offset)
	}
}

func (s Sighting) same(other Sighting) bool {
	return s.ID == other.ID && s.Offset == other.Offset && s.sum == other.sum
}

// Faults describes all that is wrong; empty if nothing is.
func (v *Verdict) Faults() string {
	var b strings.Builder
	kinds := []struct {
		name string
		Findings
	}{{"lost", v.Lost}, {"doubled", v.Doubled}, {"reordered", v.Reordered}, {"moved", v.Moved}, {"altered", v.Altered}}
	for _, kind := range kinds {
		if kind.Count > 0 {
			fmt.Fprintf(&b, "%d %s:\n  %s\n", kind.Count, kind.name, strings.Join(kind.examples, "\n  "))
		}
	}
	return b.String()
}
