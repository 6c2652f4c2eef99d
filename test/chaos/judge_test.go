package chaos

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// verdict is what ledgers and the history of the log say of a run.
type verdict struct {
	acknowledged, stored, shown int

	lost      findings // acknowledged and not in the history, or in the history and not shown to a reader of the room
	doubled   findings // stored or shown more than once
	reordered findings // shown in another order than the history's, or a sender's messages in another than the sender's
	moved     findings // acknowledged or shown with another offset or time than the history's
	altered   findings // shown or stored with another text, or sent by nobody
}

// findings counts, and describes the first few.
type findings struct {
	count    int
	examples []string
}

func (f *findings) add(format string, args ...any) {
	const most = 10
	if f.count++; f.count <= most {
		f.examples = append(f.examples, fmt.Sprintf(format, args...))
	}
}

// judge compares the ledgers with each other and with the history of each room, oldest first. It is for the time when every message has
// been acknowledged and every reader has what there is.
func judge(ledgers []*ledger, history map[string][]sighting) *verdict {
	v := &verdict{}
	sent := map[uuid.UUID]*entry{}
	for _, l := range ledgers {
		for _, e := range l.sent {
			sent[e.id] = e
		}
	}
	stored := map[uuid.UUID]sighting{} // where a message stands first
	for room, log := range history {
		v.stored += len(log)
		v.judgeHistory(room, log, sent)
		for _, s := range log {
			if _, again := stored[s.id]; !again {
				stored[s.id] = s
			}
		}
	}
	for _, l := range ledgers {
		for room, seen := range l.seen {
			v.shown += len(seen)
			v.judgeReader(l.user+" in "+room, seen, history[room])
		}
		v.judgeSender(l, stored)
	}
	return v
}

// judgeHistory looks for what the log alone shows.
func (v *verdict) judgeHistory(room string, log []sighting, sent map[uuid.UUID]*entry) {
	v.judgeOrder("the history of "+room, log)
	for _, s := range log {
		switch e := sent[s.id]; {
		case e == nil || e.room != room:
			v.altered.add("the history of %s holds %s, which nobody sent there", room, s.id)
		case e.sum != s.sum:
			v.altered.add("the history of %s holds %s with another text", room, s.id)
		}
	}
}

// judgeOrder looks for doubles and for offsets that don't grow.
func (v *verdict) judgeOrder(where string, list []sighting) {
	ids := make(map[uuid.UUID]bool, len(list))
	last := uint64(0)
	for _, s := range list {
		switch {
		case ids[s.id]:
			v.doubled.add("%s: %s comes again, at offset %d", where, s.id, s.offset)
		case s.offset <= last:
			v.reordered.add("%s: offset %d after %d", where, s.offset, last)
		}
		ids[s.id] = true
		last = max(last, s.offset)
	}
}

// judgeReader compares what a reader was shown with the history.
func (v *verdict) judgeReader(who string, seen, log []sighting) {
	if slices.EqualFunc(seen, log, sighting.same) {
		return
	}
	v.judgeOrder(who, seen)
	stored := make(map[uuid.UUID]sighting, len(log))
	for _, s := range log {
		stored[s.id] = s
	}
	shown := make(map[uuid.UUID]bool, len(seen))
	for _, s := range seen {
		shown[s.id] = true
		switch kept, ok := stored[s.id]; {
		case !ok:
			v.altered.add("%s was shown %s (offset %d), which the history lacks", who, s.id, s.offset)
		case kept.offset != s.offset:
			v.moved.add("%s was shown %s at offset %d, the history has %d", who, s.id, s.offset, kept.offset)
		case kept.sum != s.sum:
			v.altered.add("%s was shown %s with another text", who, s.id)
		}
	}
	for _, s := range log {
		if !shown[s.id] {
			v.lost.add("%s was not shown %s (offset %d)", who, s.id, s.offset)
		}
	}
}

// judgeSender compares what a sender was answered with the history.
func (v *verdict) judgeSender(l *ledger, stored map[uuid.UUID]sighting) {
	last := map[string]uint64{}
	for _, e := range l.sent {
		kept, ok := stored[e.id]
		if len(e.answers) > 0 {
			v.acknowledged++
		}
		for _, a := range e.answers {
			switch {
			case !ok:
				v.lost.add("%s was acknowledged %s (offset %d) in %s, the history lacks it", l.user, e.id, a.offset, e.room)
			case a != answer{kept.offset, kept.sent}:
				v.moved.add("%s was acknowledged %s with %+v, the history has it at offset %d with time %d", l.user, e.id, a, kept.offset, kept.sent)
			}
		}
		if ok && kept.offset < last[e.room] {
			v.reordered.add("%s sent %s later than what stands behind it (offset %d) in %s", l.user, e.id, kept.offset, e.room)
		}
		last[e.room] = max(last[e.room], kept.offset)
	}
}

func (s sighting) same(other sighting) bool {
	return s.id == other.id && s.offset == other.offset && s.sum == other.sum
}

// faults describes all that is wrong; empty if nothing is.
func (v *verdict) faults() string {
	var b strings.Builder
	kinds := []struct {
		name string
		findings
	}{{"lost", v.lost}, {"doubled", v.doubled}, {"reordered", v.reordered}, {"moved", v.moved}, {"altered", v.altered}}
	for _, kind := range kinds {
		if kind.count > 0 {
			fmt.Fprintf(&b, "%d %s:\n  %s\n", kind.count, kind.name, strings.Join(kind.examples, "\n  "))
		}
	}
	return b.String()
}
