package crowd

import (
	"slices"
	"testing"
)

// The verdict is what all else rests on: each kind of fault has to be found.
func TestVerdictFindsEachFault(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(run *written)
		counts func(v *Verdict) int
	}{
		{"an acknowledged message is not in the history", func(w *written) {
			w.history = slices.Delete(w.history, 1, 2)
			w.reader.Seen["r"] = slices.Clone(w.history)
		}, func(v *Verdict) int { return v.Lost.Count }},
		{"the last acknowledged message is not in the history", func(w *written) {
			w.history = w.history[:2]
			w.reader.Seen["r"] = slices.Clone(w.history)
		}, func(v *Verdict) int { return v.Lost.Count }},
		{"a reader was not shown a message", func(w *written) {
			w.reader.Seen["r"] = slices.Delete(w.reader.Seen["r"], 1, 2)
		}, func(v *Verdict) int { return v.Lost.Count }},
		{"a reader was shown nothing", func(w *written) { w.reader.Seen["r"] = nil }, func(v *Verdict) int { return v.Lost.Count - 2 }},
		{"a reader was shown a message twice", func(w *written) {
			w.reader.Seen["r"] = append(w.reader.Seen["r"], w.history[2])
		}, func(v *Verdict) int { return v.Doubled.Count }},
		{"a message is stored twice", func(w *written) {
			again := w.history[0]
			again.Offset = 9
			w.history = append(w.history, again)
			w.reader.Seen["r"] = slices.Clone(w.history)
		}, func(v *Verdict) int { return v.Doubled.Count }},
		{"a reader was shown another order", func(w *written) {
			s := w.reader.Seen["r"]
			s[0], s[1] = s[1], s[0]
		}, func(v *Verdict) int { return v.Reordered.Count }},
		{"a sender's messages are stored in another order", func(w *written) {
			w.sender.Sent[0], w.sender.Sent[1] = w.sender.Sent[1], w.sender.Sent[0]
		}, func(v *Verdict) int { return v.Reordered.Count }},
		{"a retry was answered with another offset", func(w *written) {
			w.sender.Sent[0].answers = append(w.sender.Sent[0].answers, Answer{offset: 7})
		}, func(v *Verdict) int { return v.Moved.Count }},
		{"a retry was answered with another time", func(w *written) {
			w.sender.Sent[0].answers = append(w.sender.Sent[0].answers, Answer{offset: 1, time: 1})
		}, func(v *Verdict) int { return v.Moved.Count }},
		{"a reader was shown another offset", func(w *written) { w.reader.Seen["r"][2].Offset = 8 },
			func(v *Verdict) int { return v.Moved.Count }},
		{"a reader was shown another text", func(w *written) { w.reader.Seen["r"][2].sum++ },
			func(v *Verdict) int { return v.Altered.Count }},
		{"a message was sent by nobody", func(w *written) { w.sender.Sent = w.sender.Sent[:2] },
			func(v *Verdict) int { return v.Altered.Count }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := write()
			if faults := w.Judge().Faults(); faults != "" {
				t.Fatalf("faults before anything was spoilt:\n%s", faults)
			}
			test.spoil(w)
			v := w.Judge()
			if got := test.counts(v); got != 1 {
				t.Fatalf("found:\n%s", v.Faults())
			}
		})
	}
}

// written is a small run in which nothing went wrong.
type written struct {
	sender, reader *Ledger
	history        []Sighting
}

func write() *written {
	w := &written{sender: NewLedger("sender"), reader: NewLedger("reader")}
	for i, text := range []string{"one", "two", "three"} {
		e := w.sender.begin("r", text)
		w.sender.attempt(e)
		offset := uint64(2*i + 1)
		w.sender.acknowledge(e, Answer{offset: offset})
		s := Sighting{ID: e.id, Offset: offset, sum: e.sum}
		w.reader.see("r", s)
		w.history = append(w.history, s)
	}
	return w
}

func (w *written) Judge() *Verdict {
	return Judge([]*Ledger{w.sender, w.reader}, map[string][]Sighting{"r": w.history})
}
