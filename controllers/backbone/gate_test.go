package backbone

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/rollout"
)

func TestOneOfThreeServersThatIsKilledIsNamedUntilItHasCaughtUp(t *testing.T) {
	servers := startSecured(t, 3, "")
	p := newPool(t)
	tg := target(servers.URLs(), 3)
	tg.TLS = servers.tls(operatorSecret)
	r := await(t, p, tg, "all streams", fine)
	if r.Servers != 3 {
		t.Errorf("got %+v", r)
	}
	awaitGate(t, p, tg, servers, "an open gate", func(g rollout.Gate) bool { return g.Healthy })

	victim := servers.Server(1)
	victim.Kill()
	r = await(t, p, tg, "a replica to be missed", func(r Report) bool { return r.Reason == v1alpha1.ReasonReplicasLag && len(r.Lagging) == r.Wanted })
	if !strings.Contains(r.Message, victim.Name()+" is") || !r.Reachable {
		t.Errorf("got %+v", r)
	}
	t.Logf("while it is away: %s", r.Message)
	g := awaitGate(t, p, tg, servers, "a shut gate", func(g rollout.Gate) bool { return !g.Healthy })
	if g.Why != "2 of 3 NATS servers answer" {
		t.Errorf("the gate is shut because %q", g.Why)
	}

	victim.Start()
	await(t, p, tg, "all replicas", fine)
	g = awaitGate(t, p, tg, servers, "an open gate", func(g rollout.Gate) bool { return g.Healthy })
	if !slices.ContainsFunc(g.Servers, func(s rollout.Server) bool { return s.Name == g.MetaLeader }) || len(g.Servers) != 3 {
		t.Errorf("the gate is %+v", g)
	}
}

func TestTheGateOpensUnderLoad(t *testing.T) {
	servers := startSecured(t, 3, "")
	p, tg := newPool(t), target(servers.URLs(), 3)
	tg.TLS = servers.tls(operatorSecret)
	await(t, p, tg, "all streams", fine)
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	defer load.Wait()
	defer cancel()
	js := adminAs(t, servers)
	for _, shard := range tg.Layout.All() {
		load.Go(func() {
			for ctx.Err() == nil {
				_, _ = js.Publish(ctx, tg.Layout.StoredPrefix(shard)+"a.b", make([]byte, 500)) // some may be cut off at the end
			}
		})
	}
	open := 0
	const tries = 10
	for range tries {
		g, err := p.Gate(t.Context(), tg, *servers.tls(systemSecret))
		if err != nil {
			t.Fatal(err)
		}
		if g.Healthy {
			open++
		} else {
			t.Log(g.Why)
		}
	}
	t.Logf("the gate was open %d of %d times", open, tries)
	if open == 0 {
		t.Error("the gate never opens while messages are stored")
	}
	if r := p.Ensure(t.Context(), tg); !r.Reachable {
		t.Errorf("got %+v", r)
	} else {
		t.Logf("under load: %d of %d streams, %s %s", r.Streams, r.Wanted, r.Reason, r.Message)
	}
}

func TestReplicasFollowTheSettings(t *testing.T) {
	servers := startSecured(t, 3, "")
	p, tg := newPool(t), target(servers.URLs(), 3)
	tg.TLS = servers.tls(operatorSecret)
	for _, replicas := range []int{1, 3, 1} {
		tg.Settings.Replicas = replicas
		js := adminAs(t, servers)
		await(t, p, tg, fmt.Sprintf("%d replicas", replicas), func(r Report) bool {
			info, err := js.Stream(t.Context(), "chat-ROOMS-0")
			return fine(r) && err == nil && len(info.CachedInfo().Cluster.Replicas)+1 == replicas
		})
	}
}

func TestWithoutAMajorityTheReportSaysThatThereIsNoLeader(t *testing.T) {
	servers := startSecured(t, 3, "")
	p := newPool(t)
	tg := target(servers.URLs(), 3)
	tg.TLS = servers.tls(operatorSecret)
	await(t, p, tg, "all streams", fine)
	servers.Server(0).Kill()
	servers.Server(2).Kill()
	r := await(t, p, tg, "the loss to be seen", func(r Report) bool { return r.Reason == v1alpha1.ReasonReplicasLag && r.Streams == 0 })
	t.Logf("with one of three: %s", r.Message)
	servers.Server(0).Start()
	await(t, p, tg, "all streams to be led", func(r Report) bool {
		return r.Servers == 2 && !strings.Contains(strings.Join(r.Lagging, "\n"), ": no ") // neither leader nor answer
	})
}

func TestTheGateOfASingleServerOpensWhenItHasItsStreams(t *testing.T) {
	servers := startSecured(t, 1, "")
	p := newPool(t)
	tg := target(servers.URLs(), 1)
	tg.TLS = servers.tls(operatorSecret)
	if g, err := p.Gate(t.Context(), tg, *servers.tls(systemSecret)); err != nil || g.Healthy {
		t.Fatalf("without streams the gate is %+v, %v", g, err)
	}
	await(t, p, tg, "all streams", fine)
	awaitGate(t, p, tg, servers, "an open gate", func(g rollout.Gate) bool { return g.Healthy && len(g.Servers) == 1 })
	if _, err := p.Gate(t.Context(), tg, *servers.tls(operatorSecret)); err == nil || !strings.Contains(err.Error(), "not of the system account") {
		t.Errorf("as another user, got %v", err)
	}
}

func TestPodsAreFoundByTheNamesOfServers(t *testing.T) {
	for server, pod := range map[string]string{"lobby-nats-0-a1b2c3": "lobby-nats-0", "lobby-nats-0": "lobby-nats-0", "a-ffffff-1-012345": "a-ffffff-1"} {
		if got := podOf(server); got != pod {
			t.Errorf("%s is of pod %s, want %s", server, got, pod)
		}
	}
}

func awaitGate(t *testing.T, p *Pool, tg Target, servers *secured, what string, wanted func(rollout.Gate) bool) rollout.Gate {
	t.Helper()
	var g rollout.Gate
	await(t, p, tg, what, func(Report) bool {
		var err error
		if g, err = p.Gate(t.Context(), tg, *servers.tls(systemSecret)); err != nil {
			t.Fatal(err)
		}
		t.Logf("gate: %+v", g)
		return wanted(g)
	})
	return g
}
