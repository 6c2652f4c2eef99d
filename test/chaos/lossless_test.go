package chaos

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/crowd"
)

// usualRest is how long each talk rests between two messages, on average: little, so that every fault falls between messages under way.
const usualRest = 60 * time.Millisecond

func TestChaosLosesNothingAndShowsEverybodyTheSame(t *testing.T) {
	rounds := number(t, "CHAOS_ROUNDS", usualRounds)
	clients := number(t, "CHAOS_CLIENTS", 12)
	rooms := number(t, "CHAOS_ROOMS", 6)
	faults := chosenFaults(t)
	f := startFleet(t, 3)
	c := crowd.Gather(f.crowd(), "room:chaos", clients, rooms, duration(t, "CHAOS_REST", usualRest))
	var done []*round
	for i := range rounds {
		done = append(done, strike(f, c, faults[i%len(faults)]))
		if t.Failed() {
			break
		}
	}
	c.Finish()
	v := c.Judge()
	measure(done, c.Ledgers())
	t.Logf("%d rounds, %d clients, %d rooms, two nodes, three NATS servers\n%s", len(done), clients, rooms,
		table(done, v, c.Unrecovered()))
	if faults := v.Faults(); faults != "" {
		t.Error(faults)
	}
}

// strike is one round: load through both nodes, a fault, until everybody gets through in spite of it; then the repair, until all is ready and
// everybody still gets through.
func strike(f *fleet, c *crowd.Crowd, what fault) *round {
	f.t.Helper()
	c.Mix()
	f.waitShared()
	c.WaitLoad("everybody to get through before " + what.name)
	r := &round{fault: what.name, began: time.Now()}
	repair := what.strike(f, c.Rooms[rand.N(len(c.Rooms))])
	c.WaitLoad("everybody to get through after " + what.name)
	r.back = time.Since(r.began)
	repair()
	f.waitReady()
	c.WaitLoad("everybody to get through after the repair of " + what.name)
	r.ended = time.Now()
	f.t.Logf("%s: everybody got through after %v, and the round took %v", r.fault, r.back.Round(time.Millisecond),
		r.ended.Sub(r.began).Round(time.Millisecond))
	return r
}
