package chaos

import (
	"slices"
	"testing"
)

// The verdict is what all else rests on: each kind of fault has to be found.
func TestVerdictFindsEachFault(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(run *written)
		counts func(v *verdict) int
	}{
		{"an acknowledged message is not in the history", func(w *written) {
			w.history = slices.Delete(w.history, 1, 2)
			w.reader.seen["r"] = slices.Clone(w.history)
		}, func(v *verdict) int { return v.lost.count }},
		{"the last acknowledged message is not in the history", func(w *written) {
			w.history = w.history[:2]
			w.reader.seen["r"] = slices.Clone(w.history)
		}, func(v *verdict) int { return v.lost.count }},
		{"a reader was not shown a message", func(w *written) {
			w.reader.seen["r"] = slices.Delete(w.reader.seen["r"], 1, 2)
		}, func(v *verdict) int { return v.lost.count }},
		{"a reader was shown nothing", func(w *written) { w.reader.seen["r"] = nil }, func(v *verdict) int { return v.lost.count - 2 }},
		{"a reader was shown a message twice", func(w *written) {
			w.reader.seen["r"] = append(w.reader.seen["r"], w.history[2])
		}, func(v *verdict) int { return v.doubled.count }},
		{"a message is stored twice", func(w *written) {
			again := w.history[0]
			again.offset = 9
			w.history = append(w.history, again)
			w.reader.seen["r"] = slices.Clone(w.history)
		}, func(v *verdict) int { return v.doubled.count }},
		{"a reader was shown another order", func(w *written) {
			s := w.reader.seen["r"]
			s[0], s[1] = s[1], s[0]
		}, func(v *verdict) int { return v.reordered.count }},
		{"a sender's messages are stored in another order", func(w *written) {
			w.sender.sent[0], w.sender.sent[1] = w.sender.sent[1], w.sender.sent[0]
		}, func(v *verdict) int { return v.reordered.count }},
		{"a retry was answered with another offset", func(w *written) {
			w.sender.sent[0].answers = append(w.sender.sent[0].answers, answer{offset: 7})
		}, func(v *verdict) int { return v.moved.count }},
		{"a retry was answered with another time", func(w *written) {
			w.sender.sent[0].answers = append(w.sender.sent[0].answers, answer{offset: 1, time: 1})
		}, func(v *verdict) int { return v.moved.count }},
		{"a reader was shown another offset", func(w *written) { w.reader.seen["r"][2].offset = 8 },
			func(v *verdict) int { return v.moved.count }},
		{"a reader was shown another text", func(w *written) { w.reader.seen["r"][2].sum++ },
			func(v *verdict) int { return v.altered.count }},
		{"a message was sent by nobody", func(w *written) { w.sender.sent = w.sender.sent[:2] },
			func(v *verdict) int { return v.altered.count }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := write()
			if faults := w.judge().faults(); faults != "" {
				t.Fatalf("faults before anything was spoilt:\n%s", faults)
			}
			test.spoil(w)
			v := w.judge()
			if got := test.counts(v); got != 1 {
				t.Fatalf("found:\n%s", v.faults())
			}
		})
	}
}

// written is a small run in which nothing went wrong.
type written struct {
	sender, reader *ledger
	history        []sighting
}

func write() *written {
	w := &written{sender: newLedger("sender"), reader: newLedger("reader")}
	for i, text := range []string{"one", "two", "three"} {
		e := w.sender.begin("r", text)
		w.sender.attempt(e)
		offset := uint64(2*i + 1)
		w.sender.acknowledge(e, answer{offset: offset})
		s := sighting{id: e.id, offset: offset, sum: e.sum}
		w.reader.see("r", s)
		w.history = append(w.history, s)
	}
	return w
}

func (w *written) judge() *verdict {
	return judge([]*ledger{w.sender, w.reader}, map[string][]sighting{"r": w.history})
}
