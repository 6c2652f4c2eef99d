package rollout

import (
	"strings"
	"testing"
)

func TestNextServerRestartsOneAtATimeBehindTheGate(t *testing.T) {
	open := Gate{Healthy: true, MetaLeader: "n-2-aaaaaa", Servers: []Server{{Name: "n-0-cccccc", Pod: "n-0"}, {Name: "n-1-bbbbbb", Pod: "n-1"}, {Name: "n-2-aaaaaa", Pod: "n-2"}}}
	shut := Gate{Why: "stream chat-ROOMS-0 lags"}
	ready, old := Pod{Ready: true, Current: true}, Pod{Ready: true}
	tests := []struct {
		name     string
		pods     []Pod
		gate     Gate
		pod, why string
	}{
		{"nothing is old", pods(ready, ready, ready), shut, "", ""},
		{"no pods", nil, open, "", ""},
		{"the highest ordinal goes first, the meta leader last", pods(old, old, old), open, "n-1", ""},
		{"then the next", pods(old, ready, old), open, "n-0", ""},
		{"the meta leader when it alone is left", pods(ready, ready, old), open, "n-2", ""},
		{"the highest when nobody leads", pods(old, old, old), Gate{Healthy: true}, "n-2", ""},
		{"ordinals are numbers", pods(old, ready, ready, ready, ready, ready, ready, ready, ready, old, old), Gate{Healthy: true}, "n-10", ""},
		{"none while the gate is shut", pods(old, old, old), shut, "", "chat-ROOMS-0 lags"},
		{"none while another one is unready", pods(old, Pod{Current: true}, old), open, "", "pod n-1 is not ready"},
		{"none while two are unready", pods(Pod{}, Pod{}, old), open, "", "n-0, n-1 are not ready"},
		{"none while one is ending", pods(old, Pod{Ready: true, Deleting: true}, old), open, "", "pod n-1 is ending"},
		{"one that is broken anyway goes, though the gate is shut", pods(old, Pod{}, old), shut, "n-1", ""},
		{"a single server has nobody to wait for", pods(old), shut, "n-0", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			pod, why := NextServer(test.pods, test.gate)
			if pod != test.pod || !strings.Contains(why, test.why) || test.why == "" && why != "" {
				t.Errorf("got %q because %q, want %q because %q", pod, why, test.pod, test.why)
			}
		})
	}
}

func pods(all ...Pod) []Pod {
	for i := range all {
		all[i].Name = "n-" + string(rune('0'+i))
		if i > 9 {
			all[i].Name = "n-1" + string(rune('0'+i-10))
		}
	}
	return all
}
