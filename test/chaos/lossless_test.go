package chaos

import (
	"math/rand/v2"
	"testing"
	"time"
)

// usualRest is how long each talk rests between two messages, on average: little, so that every fault falls between messages under way.
const usualRest = 60 * time.Millisecond

func TestChaosLosesNothingAndShowsEverybodyTheSame(t *testing.T) {
	rounds := number(t, "CHAOS_ROUNDS", usualRounds)
	clients := number(t, "CHAOS_CLIENTS", 12)
	rooms := number(t, "CHAOS_ROOMS", 6)
	faults := chosenFaults(t)
	f := startFleet(t, 3)
	c := gather(f, clients, rooms, duration(t, "CHAOS_REST", usualRest))
	var done []*round
	for i := range rounds {
		done = append(done, c.strike(faults[i%len(faults)]))
		if t.Failed() {
			break
		}
	}
	c.finish()
	v := judge(c.ledgers(), c.history())
	measure(done, c.ledgers())
	t.Logf("%d rounds, %d clients, %d rooms, two nodes, three NATS servers\n%s", len(done), clients, rooms,
		table(done, v, c.unrecovered.Load()))
	if faults := v.faults(); faults != "" {
		t.Error(faults)
	}
}

// strike is one round: load through both nodes, a fault, until everybody gets through in spite of it; then the repair, until all is ready and
// everybody still gets through.
func (c *crowd) strike(what fault) *round {
	c.fleet.t.Helper()
	c.mix()
	c.fleet.waitShared()
	c.waitLoad("everybody to get through before " + what.name)
	r := &round{fault: what.name, began: time.Now()}
	repair := what.strike(c.fleet, c.rooms[rand.N(len(c.rooms))])
	c.waitLoad("everybody to get through after " + what.name)
	r.back = time.Since(r.began)
	repair()
	c.fleet.waitReady()
	c.waitLoad("everybody to get through after the repair of " + what.name)
	r.ended = time.Now()
	c.fleet.t.Logf("%s: everybody got through after %v, and the round took %v", r.fault, r.back.Round(time.Millisecond),
		r.ended.Sub(r.began).Round(time.Millisecond))
	return r
}
