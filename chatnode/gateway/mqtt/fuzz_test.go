package mqtt

import (
	"strings"
	"testing"
)

// A topic is a user's own, or forbidden.
func FuzzTopics(f *testing.F) {
	for _, seed := range []string{
		"apps/a/outgoing/users/u/messages/c/outgoing", "apps/a/users/u/messages/c/m/update", "apps/a/users/u/conversations/c/archive",
		"apps/a/users/u/presence/1", "apps/a/users/u/", "apps/a/users/uu/x", "apps/b/users/u/x", "", "/", "apps/a/outgoing/users/u/messages//outgoing",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		to := parseAddress("a", "u", topic)
		own := strings.HasPrefix(topic, "apps/a/users/u/") || strings.HasPrefix(topic, "apps/a/outgoing/users/u/messages/")
		if to.kind != forbidden && !own {
			t.Fatalf("%q is taken for %s", topic, to.kind)
		}
		if to.kind != forbidden && to.kind != toSend && to.own == "" {
			t.Fatalf("%q would be echoed nowhere", topic)
		}
	})
}
