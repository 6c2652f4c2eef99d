package conn

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestWheelFiresWhatIsDue compares the wheel with a list of times that is searched at every tick.
func TestWheelFiresWhatIsDue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		interval := rapid.Uint32Range(1, 2*wheelSlots).Draw(t, "interval")
		w.init(time.Duration(interval) * wheelTick)
		conns := make([]*Conn, 5)
		model := make(map[*Conn]*[Deadlines + 1]uint32)
		for i := range conns {
			conns[i] = &Conn{}
			conns[i].timer.conn = conns[i]
		}
		draw := func(t *rapid.T) *Conn { return rapid.SampledFrom(conns).Draw(t, "conn") }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				c, part := draw(t), rapid.Float64Range(0, 1).Draw(t, "part")
				if model[c] != nil {
					t.Skip("added")
				}
				w.add(&c.timer, part)
				model[c] = &[Deadlines + 1]uint32{pulse: w.hand + 1 + uint32(part*float64(interval))}
			},
			"remove": func(t *rapid.T) {
				c := draw(t)
				w.remove(&c.timer)
				delete(model, c)
			},
			"set": func(t *rapid.T) {
				c, kind := draw(t), rapid.IntRange(0, Deadlines-1).Draw(t, "kind")
				at := w.hand + rapid.Uint32Range(0, 3*wheelSlots).Draw(t, "in")
				if model[c] == nil {
					t.Skip("not added")
				}
				w.set(&c.timer, kind, at)
				model[c][kind] = max(at, w.hand+1)
			},
			"cancel": func(t *rapid.T) {
				c, kind := draw(t), rapid.IntRange(0, Deadlines-1).Draw(t, "kind")
				w.cancel(&c.timer, kind)
				if model[c] != nil {
					model[c][kind] = 0
				}
			},
			"advance": func(t *rapid.T) {
				to := w.hand + rapid.OneOf(rapid.Uint32Range(0, 3), rapid.Uint32Range(0, 3*wheelSlots)).Draw(t, "by")
				got := map[*Conn]uint32{}
				for _, c := range w.advance(to, nil) {
					got[c] |= c.events.Swap(0)
				}
				for c, due := range model {
					if want := modelAdvance(due, to, interval); got[c] != want {
						t.Fatalf("events %b, want %b", got[c], want)
					}
					delete(got, c)
				}
				if len(got) > 0 {
					t.Fatal("an event of a connection that is not in the wheel")
				}
			},
		})
	})
}

func modelAdvance(due *[Deadlines + 1]uint32, to, interval uint32) (events uint32) {
	for kind, at := range due {
		if at == 0 || at > to {
			continue
		}
		if kind == pulse {
			events |= eventPulse
			due[pulse] = max(at+interval, to+1)
		} else {
			events |= eventDeadline << kind
			due[kind] = 0
		}
	}
	return events
}

func TestUnknownDeadlinesPanic(t *testing.T) {
	for _, kind := range []int{-1, Deadlines} {
		for name, call := range map[string]func(w *wheel, t *timer){
			"set":    func(w *wheel, t *timer) { w.set(t, kind, 1) },
			"cancel": func(w *wheel, t *timer) { w.cancel(t, kind) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s of kind %d is taken", name, kind)
					}
				}()
				c := &Conn{}
				c.timer.conn = c
				call(&wheel{}, &c.timer)
			}()
		}
	}
}
