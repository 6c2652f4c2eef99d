package backbone

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

func TestOwnersOfTheSameSecretsShareAConnection(t *testing.T) {
	servers := startNATS(t, 1)
	p := newPool(t)
	for i := range 5 {
		tg := target(servers.URLs(), 1)
		tg.Owner, tg.Layout = fmt.Sprintf("team/%d", i), layout.New(fmt.Sprintf("c%d", i), 1)
		if r := p.Ensure(t.Context(), tg); !fine(r) {
			t.Fatalf("got %+v", r)
		}
	}
	if n := len(p.shared); n != 1 {
		t.Errorf("there are %d connections", n)
	}
	for i := range 5 {
		if n := len(p.shared); n != 1 {
			t.Errorf("before the %dth goes, there are %d connections", i, n)
		}
		p.Release(fmt.Sprintf("team/%d", i))
	}
	if len(p.shared) != 0 || len(p.owned) != 0 {
		t.Errorf("after all are gone, there are %d connections of %d owners", len(p.shared), len(p.owned))
	}
	p.Release("nobody")
}

func TestAConnectionThatAnOwnerNoLongerUsesIsClosed(t *testing.T) {
	servers := startSecured(t, 1, "")
	p, tg := newPool(t), target(servers.URLs(), 1)
	tg.TLS = servers.tls(operatorSecret)
	await(t, p, tg, "all streams", fine)
	first := only(t, p)
	tg.TLS = servers.tls(nodeSecret)
	await(t, p, tg, "all streams", fine)
	if second := only(t, p); second == first || !first.nc.IsClosed() || second.nc.IsClosed() {
		t.Error("the old connection was not closed, or it is the same")
	}
}

func TestThePoolIsBounded(t *testing.T) {
	p := NewPool(Options{MaxConnections: 2})
	t.Cleanup(p.Close)
	var targets []Target
	for i := range 4 {
		tg := target(startNATS(t, 1).URLs(), 1)
		tg.Owner = fmt.Sprint(i)
		targets = append(targets, tg)
	}
	for range 2 {
		for _, tg := range targets {
			if r := p.Ensure(t.Context(), tg); !fine(r) {
				t.Errorf("got %+v", r)
			}
			if len(p.shared) > 2 || len(p.owned) > 2 {
				t.Errorf("there are %d connections of %d owners", len(p.shared), len(p.owned))
			}
		}
	}
	var all sync.WaitGroup
	for _, tg := range targets {
		all.Go(func() { p.Ensure(t.Context(), tg) })
	}
	all.Wait()
	if len(p.shared) > 2 {
		t.Errorf("there are %d connections", len(p.shared))
	}
}

func TestALostConnectionIsMadeAgain(t *testing.T) {
	servers := startNATS(t, 1)
	p, tg := newPool(t), target(servers.URLs(), 1)
	await(t, p, tg, "all streams", fine)
	servers.Server(0).Restart()
	await(t, p, tg, "all streams again", fine)
}

func TestAClosedPoolSaysSo(t *testing.T) {
	servers := startNATS(t, 1)
	p, tg := newPool(t), target(servers.URLs(), 1)
	await(t, p, tg, "all streams", fine)
	p.Close()
	if r := p.Ensure(t.Context(), tg); !strings.Contains(r.Message, "closed") || r.Reason == "" {
		t.Errorf("got %+v", r)
	}
	p.Release(tg.Owner)
}

func TestThePoolMayBeUsedByManyAtOnce(t *testing.T) {
	servers := startNATS(t, 1)
	p := NewPool(Options{MaxConnections: 3})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var all sync.WaitGroup
	for i := range 12 {
		tg := target(servers.URLs(), 1)
		tg.Owner, tg.Layout = fmt.Sprint(i), layout.New(fmt.Sprintf("c%d", i%3), 1)
		tg.URLs = append(tg.URLs, strings.Replace(tg.URLs[0], "nats://", fmt.Sprintf("nats://u%d@", i%4), 1)) // of four kinds
		all.Go(func() {
			for range 3 {
				p.Ensure(ctx, tg)
				p.Release(tg.Owner)
			}
		})
	}
	all.Wait()
	if len(p.shared) != 0 {
		t.Errorf("there are %d connections", len(p.shared))
	}
	p.Close()
}

func only(t *testing.T, p *Pool) *connection {
	t.Helper()
	if len(p.shared) != 1 {
		t.Fatalf("there are %d connections", len(p.shared))
	}
	for _, c := range p.shared {
		return c
	}
	return nil
}

func TestOneWhoGivesUpDoesNotSpeakForThoseWhoWait(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p := newPool(t)
	one, two := target([]string{"nats://" + silent.Addr().String()}, 1), target([]string{"nats://" + silent.Addr().String()}, 1)
	one.Owner, two.Owner = "team/one", "team/two"
	ctx, giveUp := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { p.Ensure(ctx, one) })
	if _, err := silent.Accept(); err != nil { // the first one dials
		t.Fatal(err)
	}
	said := make(chan Report, 1)
	all.Go(func() { said <- p.Ensure(t.Context(), two) })
	users := time.NewTicker(time.Millisecond)
	defer users.Stop()
	for waiting := 0; waiting < 2; <-users.C {
		p.mu.Lock()
		for _, c := range p.shared {
			waiting = c.users
		}
		p.mu.Unlock()
	}
	giveUp()
	if r := <-said; strings.Contains(r.Message, context.Canceled.Error()) {
		t.Errorf("got %+v", r)
	}
}

// The message stands in the status: one that differs at every look would have it written at every look.
func TestTheSameTroubleIsToldInTheSameWords(t *testing.T) {
	urls := []string{"nats://" + closedAddress(t), "nats://" + closedAddress(t)}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p, tg := newPool(t), target(append(urls, "nats://"+silent.Addr().String()), 1)
	first := p.Ensure(t.Context(), tg)
	for range 3 {
		if r := p.Ensure(t.Context(), tg); r.Message != first.Message || r.Reason != first.Reason {
			t.Errorf("got %q after %q", r.Message, first.Message)
		}
	}
	t.Log(first.Message)
}
