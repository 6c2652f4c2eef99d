package chat

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	chatv1 "github.com/chatfleet/chatfleet/api/chat/v1"
	"github.com/chatfleet/chatfleet/test/wait"
)

func TestLinesAreBoundedForEachSenderAndForAll(t *testing.T) {
	var l lines
	l.init()
	open := make(chan struct{})
	stand := func(in lane) string {
		t.Helper()
		bound, ok := l.stand(in, func(context.Context) { <-open })
		if ok != (bound == "") {
			t.Fatalf("%q and %v", bound, ok)
		}
		return bound
	}
	for i := range maxPreparingEach {
		if bound := stand(lane{"a", "ann", fmt.Sprint("room:", i)}); bound != "" {
			t.Fatalf("send %d of ann meets the bound of the %s", i, bound)
		}
	}
	if bound := stand(lane{"a", "ann", "room:new"}); bound != boundOfSender {
		t.Errorf("ann meets the bound %q", bound)
	}
	for _, other := range []lane{{"a", "bob", "room:0"}, {"b", "ann", "room:0"}} {
		if bound := stand(other); bound != "" {
			t.Errorf("%v meets the bound of the %s", other, bound)
		}
	}
	for i := range maxPreparing - l.waiting() {
		if bound := stand(lane{"a", fmt.Sprint("user", i), "room:0"}); bound != "" {
			t.Fatalf("user %d meets the bound of the %s", i, bound)
		}
	}
	if bound := stand(lane{"a", "latecomer", "room:0"}); bound != boundOfNode {
		t.Errorf("a latecomer meets the bound %q", bound)
	}
	close(open)
	wait.For(t, 30*time.Second, "the lines to be empty", func(context.Context) error {
		if n := l.waiting(); n > 0 {
			return fmt.Errorf("%d wait", n)
		}
		return nil
	})
	if len(l.each) > 0 || len(l.tails) > 0 {
		t.Errorf("left are %v and %v", l.each, l.tails)
	}
	if bound := stand(lane{"a", "ann", "room:new"}); bound != "" {
		t.Errorf("ann meets the bound %q again", bound)
	}
	l.close()
}

func TestASenderWithTooMuchInLineIsRefusedAndOthersAreNot(t *testing.T) {
	release := make(chan struct{})
	registry := prometheus.NewPedanticRegistry()
	s, _ := startWith(t, Options{
		Limits: noLimits, ImplicitRooms: true, Registerer: registry,
		Gate: func(ctx context.Context, _, _ string, _ []byte) (Verdict, error) {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return Verdict{Accept: true}, nil
		},
	})
	send := func(a Actor) *Sending {
		text := "words"
		return s.send(a, "room:a", newID(), Content{Text: &text})
	}
	var sent []*Sending
	for range maxPreparingEach {
		sent = append(sent, send(ann))
	}
	_, err := send(ann).Wait(t.Context())
	expect(t, TooMany, err)
	sent = append(sent, send(someone("bob")))
	if n := testutil.ToFloat64(s.metrics.linesRefused.WithLabelValues(boundOfSender)); n != 1 {
		t.Errorf("%v refusals are counted", n)
	}
	if n := gaugeOf(t, registry, "chatnode_chat_waiting_sends"); n != maxPreparingEach+1 {
		t.Errorf("%v waiting are shown", n)
	}
	close(release)
	for _, p := range sent {
		if _, err := p.Wait(t.Context()); err != nil { // the log takes only so many at once itself
			expect(t, TooMany, err)
		}
	}
	must(s.Send(t.Context(), ann, &chatv1.SendRequest{Id: newID(), Room: "room:a", Text: ptr("more")}))(t)
}

// gaugeOf reads a gauge without labels.
func gaugeOf(t *testing.T, r *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
