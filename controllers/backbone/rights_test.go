package backbone

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/chatnode/backbone/layout"
)

// external is a backbone where the operator has the rights of the node's user.
func external(servers *secured) Target {
	tg := target(servers.URLs(), 1)
	tg.Managed, tg.TLS = false, servers.tls(nodeSecret)
	return tg
}

func TestTheLeastRightsSuffice(t *testing.T) {
	l := layout.New("chat", 2)
	publish := l.Rights().Publish
	for _, w := range wantedStreams(l, layout.Settings{}) {
		publish = append(publish, "$JS.API.STREAM.CREATE."+w.Name, "$JS.API.STREAM.UPDATE."+w.Name)
	}
	servers := startSecured(t, 1, fmt.Sprintf(", permissions: { publish: { allow: %s }, subscribe: { allow: %s } }", list(publish), list(l.Rights().Subscribe)))
	p, tg := newPool(t), external(servers)
	if r := p.Ensure(t.Context(), tg); !fine(r) {
		t.Fatalf("got %+v", r)
	}
	tg.Settings.MaxAge *= 2
	if r := p.Ensure(t.Context(), tg); !fine(r) {
		t.Errorf("after a change, got %+v", r)
	}
	info := config(t, adminAs(t, servers), "chat-ROOMS-0")
	if info.MaxAge != tg.Settings.MaxAge {
		t.Errorf("the stream is %+v", info)
	}
}

func TestARightThatIsMissingIsNamed(t *testing.T) {
	tests := []struct{ publish, subscribe, message string }{
		{publish: "$JS.API.INFO", message: "publish to $JS.API.INFO"},
		{publish: "$JS.API.STREAM.CREATE.chat-ROOMS-1", message: "publish to $JS.API.STREAM.CREATE.chat-ROOMS-1"},
		{publish: "$JS.API.STREAM.INFO.KV_chat-index", message: "publish to $JS.API.STREAM.INFO.KV_chat-index"},
		{publish: "$JS.API.DIRECT.GET.KV_chat-members", message: "publish to $JS.API.DIRECT.GET.KV_chat-members"},
		{publish: "$JS.API.CONSUMER.>", message: "publish to $JS.API.CONSUMER.CREATE.chat-ROOMS-0.operator"},
		{publish: "$KV.chat-leases.>", message: "publish to $KV.chat-leases.operator"},
		{publish: "chat.user.>", message: "publish to chat.user.0.operator"},
		{subscribe: "chat.live.>", message: "subscribe to chat.live.room.0.operator"},
		{subscribe: "chat.beacon", message: "subscribe to chat.beacon"},
		{subscribe: "_INBOX.>", message: "subscribe to _INBOX.chat.operator"},
	}
	for _, test := range tests {
		t.Run(test.message, func(t *testing.T) {
			rights := ", permissions: { publish: { allow: [\">\"], deny: " + list([]string{"none", test.publish}) +
				" }, subscribe: { allow: [\">\"], deny: " + list([]string{"none", test.subscribe}) + " } }"
			servers := startSecured(t, 1, rights)
			p := newPool(t)
			for range 2 { // it is found again over the next connection
				r := p.Ensure(t.Context(), external(servers))
				if r.Reason != v1alpha1.ReasonPermissionDenied || !strings.Contains(r.Message, test.message) || !r.Reachable {
					t.Errorf("got %+v", r)
				}
			}
			tg := external(servers)
			tg.TLS = servers.tls(operatorSecret)
			if r := p.Ensure(t.Context(), tg); !fine(r) {
				t.Errorf("with other credentials, got %+v", r)
			}
		})
	}
}

func TestCheckingRightsLeavesNothingBehind(t *testing.T) {
	servers := startSecured(t, 1, "")
	p, tg := newPool(t), external(servers)
	for range 3 {
		if r := p.Ensure(t.Context(), tg); !fine(r) {
			t.Fatalf("got %+v", r)
		}
		p.Release(tg.Owner)
	}
	js := adminAs(t, servers)
	for _, w := range wantedStreams(tg.Layout, tg.Settings) {
		stream, err := js.Stream(t.Context(), w.Name)
		if err != nil {
			t.Fatal(err)
		}
		if state := stream.CachedInfo().State; state.LastSeq != 0 || state.Consumers != 0 {
			t.Errorf("%s has %+v", w.Name, state)
		}
	}
}

// list writes subjects as NATS configuration; an empty one is left out.
func list(subjects []string) string {
	var quoted []string
	for _, s := range subjects {
		if s != "" {
			quoted = append(quoted, fmt.Sprintf("%q", s))
		}
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
