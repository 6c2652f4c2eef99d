package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/chatfleet/chatfleet/chatnode/gateway/centrifuge/protocol"
	"github.com/chatfleet/chatfleet/test/client"
	"github.com/chatfleet/chatfleet/test/wait"
)

const (
	// plays go on at the same time.
	plays = 4
	// between two steps of a round every play does so much at least.
	actsBetween = 25
	// killRounds are a killed node and a killed stream leader; both at once come with more CHAOS_ROUNDS.
	killRounds = 2
)

// theatre is plays in a fleet.
type theatre struct {
	t     *testing.T
	fleet *fleet
	plays []*play
	ctx   context.Context // ends when a play has failed
}

// TestChaosCountsListsAndHistoryStayExact plays random plays while nodes and servers die. What was not acknowledged is done again under the
// same idempotency key, so that the model stays exact.
func TestChaosCountsListsAndHistoryStayExact(t *testing.T) {
	rounds := number(t, "CHAOS_ROUNDS", killRounds)
	seed := uint64(number(t, "CHAOS_SEED", int(rand.Int32N(1<<30))+1))
	t.Logf("CHAOS_SEED=%d", seed)
	faults := chosenFaults(t)
	began := time.Now()
	th := &theatre{t: t, fleet: startNodes(t, 3, 3, "--commands-per-second", "100000")}
	t.Logf("started in %.1f s", time.Since(began).Seconds())
	var acting *errgroup.Group
	acting, th.ctx = errgroup.WithContext(t.Context())
	for i := range plays {
		p := newPlay(i, rand.New(rand.NewPCG(seed, uint64(i))))
		th.plays = append(th.plays, p)
		for n, user := range p.users {
			p.devices[user] = th.device(user, (i+n)%3)
		}
		if err := p.host(th.ctx, th.device(fmt.Sprint("host-", i), i%3)); err != nil {
			t.Fatal(err)
		}
	}
	stop := make(chan struct{})
	for _, p := range th.plays {
		acting.Go(func() error { return p.run(th.ctx, stop) })
	}
	for i := range rounds {
		if !th.round(faults[i%len(faults)]) {
			break
		}
	}
	close(stop)
	t.Logf("played until %.1f s", time.Since(began).Seconds())
	if err := acting.Wait(); err != nil {
		t.Fatal(err)
	}
	th.ctx = t.Context()
	th.finale()
}

// device connects a user to that node first.
func (th *theatre) device(user string, node int) *device {
	th.t.Helper()
	return &device{user: user, Client: th.fleet.mustDial(th.t, user, th.fleet.addresses(node), client.Options{
		Reconnect: true, Timeout: answerWait, Encoding: protocol.Encoding(node % 2),
	})}
}

// round has something die while all plays go on, and come back; false if a play has failed.
func (th *theatre) round(what fault) bool {
	th.t.Helper()
	began := time.Now()
	if !th.goOn() {
		return false
	}
	stages := th.plays[rand.N(len(th.plays))].stages
	repair := what.strike(th.fleet, stages[rand.N(len(stages))].name)
	ok := th.goOn()
	repair()
	th.fleet.waitReady()
	ok = ok && th.goOn()
	th.t.Logf("%s: %.1f s", what.name, time.Since(began).Seconds())
	return ok
}

// goOn returns when every play has done something more; false if one has failed.
func (th *theatre) goOn() bool {
	th.t.Helper()
	aims := make([]int64, len(th.plays))
	for i, p := range th.plays {
		aims[i] = p.done.Load() + actsBetween
	}
	ctx, cancel := context.WithTimeout(th.ctx, patience)
	defer cancel()
	err := wait.Until(ctx, retryEvery, func(context.Context) error {
		for i, p := range th.plays {
			if p.done.Load() < aims[i] {
				return fmt.Errorf("play %d does not go on", i)
			}
		}
		return nil
	})
	if err != nil && th.ctx.Err() == nil {
		th.t.Error(err)
	}
	return err == nil
}

// finale has everybody look at everything through each node.
func (th *theatre) finale() {
	th.t.Helper()
	began, acts := time.Now(), int64(0)
	var looking errgroup.Group
	for _, p := range th.plays {
		acts += p.done.Load()
		for _, user := range p.users {
			for node := range th.fleet.nodes {
				d := th.device(user, node)
				looking.Go(func() error { return p.look(th.ctx, d) })
			}
		}
	}
	if err := looking.Wait(); err != nil {
		th.t.Error(err)
	}
	th.t.Logf("%d acts and looks in %d plays; the last look at everything: %.1f s", acts, len(th.plays), time.Since(began).Seconds())
}
