package chat

import (
	"context"
	"testing"

	"github.com/chatfleet/chatfleet/chatnode/backbone"
)

func TestMailIsWhatOthersWroteDirectly(t *testing.T) {
	s, _ := start(t, noLimits)
	bob := someone("bob")
	say(t, s, ann, Direct("ann", "bob"), "one")
	say(t, s, bob, Direct("ann", "bob"), "bob's own")
	second := say(t, s, ann, Direct("ann", "bob"), "two")
	say(t, s, someone("carl"), Direct("bob", "carl"), "three")
	say(t, s, ann, "room:lobby", "not direct")
	all := func(backbone.Feed) uint64 { return 0 }
	count := func(a Actor, behind func(backbone.Feed) uint64) map[string]int {
		t.Helper()
		counts := map[string]int{}
		for _, m := range must(s.Mail(t.Context(), a, behind))(t) {
			if m.At.Epoch == "" || m.At.Offset < second || Channel(m.Feed) != m.Channel {
				t.Errorf("%+v", m)
			}
			counts[m.Channel] = m.Messages
		}
		return counts
	}
	if got := count(bob, all); len(got) != 2 || got["dm:ann,bob"] != 2 || got["dm:bob,carl"] != 1 {
		t.Error(got)
	}
	if got := count(bob, func(backbone.Feed) uint64 { return second }); got["dm:ann,bob"] != 0 || got["dm:bob,carl"] != 1 {
		t.Error(got)
	}
	if got := count(someone("nobody"), all); len(got) != 0 {
		t.Error(got)
	}
	_, err := s.Mail(context.Background(), anon, all)
	expect(t, Invalid, err)
}
