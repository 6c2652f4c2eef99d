package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/test/wait"
)

// unhurried are bounds that a test does not meet.
var unhurried = Bounds{AtOnce: 1000, PerSecond: 1e6, Burst: 1e6}

func TestACallerThatCallsTooOftenIsRefusedAndOthersAreNot(t *testing.T) {
	often := Bounds{AtOnce: 10, PerSecond: 0.001, Burst: 3} // one more comes after a quarter of an hour
	b := start(t, func(o *Options) { o.User, o.Server = often, often })
	key := []string{"Authorization", "Bearer " + shopKey}
	for name, c := range map[string]struct{ first, second []string }{
		"a user":     {[]string{"Authorization", "Bearer " + b.token(t, "ann", false)}, []string{"Authorization", "Bearer " + b.token(t, "ann", false)}},
		"a server":   {key, append([]string{"Chatfleet-User", "bob"}, key...)},
		"an admin":   {[]string{"Authorization", "Bearer " + b.token(t, "root", true)}, []string{"Authorization", "Bearer " + b.token(t, "boss", true)}},
		"a stranger": {[]string{"Authorization", "Bearer " + b.token(t, "carl", false)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for range often.Burst {
				if a := b.post(t, "GetRoom", `{}`, c.first...); a.status != http.StatusOK {
					t.Fatalf("%d %s", a.status, a.body)
				}
			}
			if c.second == nil {
				return // nobody else's calls have counted for this one
			}
			before := b.counted(t, "GetRoom", "resource_exhausted")
			a := b.post(t, "GetRoom", `not even JSON`, c.second...)
			if f, reason := a.failed(t); a.status != http.StatusTooManyRequests || f.Code != "resource_exhausted" || reason != "too_many" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			var seconds int
			if _, err := fmt.Sscan(a.header.Get("Retry-After"), &seconds); err != nil || seconds < 900 || seconds > 1000 {
				t.Errorf("Retry-After is %q", a.header.Get("Retry-After"))
			}
			if n := b.counted(t, "GetRoom", "resource_exhausted") - before; n != 1 {
				t.Errorf("counted %v times", n)
			}
		})
	}
	if n := b.refusals(t, boundRate); n != 3 {
		t.Errorf("%v refusals are counted", n)
	}
}

func TestACallerHasOnlySoManyCallsAnsweredAtOnce(t *testing.T) {
	few := unhurried
	few.AtOnce = 2
	b := start(t, func(o *Options) { o.User, o.Server, o.Timeout = unhurried, few, time.Hour })
	b.hang.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := clients(t, b)["gRPC"]
	var calls sync.WaitGroup
	for range few.AtOnce {
		calls.Go(func() { _, _ = client.Send(ctx, &chatv1.SendRequest{}) })
	}
	key, user := []string{"Authorization", "Bearer " + shopKey}, []string{"Authorization", "Bearer " + b.token(t, "ann", false)}
	wait.For(t, 30*time.Second, "the calls to be answered", func(context.Context) error {
		if n := b.gauge(t, "chatnode_rpc_running_requests"); n < 2 || b.gauge(t, "chatnode_rpc_callers") != 1 {
			return fmt.Errorf("%v are", n)
		}
		return nil
	})
	b.hang.Store(false)
	wait.For(t, 30*time.Second, "a refusal", func(context.Context) error { // as soon as both have said who they are
		a := b.post(t, "GetRoom", `{}`, key...)
		if a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") != "1" {
			return fmt.Errorf("%d %s", a.status, a.body)
		}
		return nil
	})
	if a := b.post(t, "GetRoom", `{}`, user...); a.status != http.StatusOK {
		t.Errorf("a user meets the bound of the server: %d %s", a.status, a.body)
	}
	if b.refusals(t, boundAtOnce) < 1 {
		t.Error("the refusal is not counted")
	}
	cancel()
	calls.Wait()
	wait.For(t, 30*time.Second, "room for another", func(context.Context) error {
		if a := b.post(t, "GetRoom", `{}`, key...); a.status != http.StatusOK {
			return errors.New(a.body)
		}
		return nil
	})
}

func TestManyCallersAreForgottenInTimeAndThoseWhoCallAreNot(t *testing.T) {
	now := time.UnixMilli(0)
	c := callers{user: Bounds{AtOnce: 1, PerSecond: 0.1, Burst: 2}, now: func() time.Time { return now }, all: map[caller]*calling{}}
	done, _, refused := c.begin(caller{"a", "busy"})
	if refused != nil {
		t.Fatal(refused)
	}
	for i := range 3 * maxCallers {
		end, _, refused := c.begin(caller{"a", fmt.Sprint(i)})
		if refused != nil {
			t.Fatal(refused)
		}
		end()
	}
	if n := c.count(); n > maxCallers {
		t.Errorf("%d callers are remembered", n)
	}
	if _, bound, refused := c.begin(caller{"a", "busy"}); refused == nil || bound != boundAtOnce {
		t.Errorf("who calls is forgotten: %v", refused)
	}
	done()
	now = now.Add(time.Hour)
	c.forget()
	if n := c.count(); n != 0 {
		t.Errorf("%d callers are remembered who have rested", n)
	}
}

// refusals are how many requests met a bound.
func (b *bench) refusals(t *testing.T, bound string) (n float64) {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "chatnode_rpc_refused_total" && m.GetLabel()[0].GetValue() == bound {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// gauge reads one without labels.
func (b *bench) gauge(t *testing.T, name string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
