package fanout

import (
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMetricsAreRegistered(t *testing.T) {
	registry := prometheus.NewRegistry()
	inBubble(t, Options{Registerer: registry}, func(t *testing.T, _ *testLog, h *Hub) {
		subscribe(t, h, lobby, Request{}, &testMember{})
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, family := range families {
			got = append(got, strings.TrimPrefix(family.GetName(), "chatnode_fanout_"))
			if name := family.GetName(); strings.HasSuffix(name, "_rooms") && family.GetMetric()[0].GetGauge().GetValue() != 1 {
				t.Errorf("%s is %v", name, family.GetMetric())
			}
		}
		want := []string{"deliveries_total", "ephemeral_dropped_total", "log_reads_in_flight", "log_reads_total", "members", "members_behind",
			"presence_write_errors_total", "presence_writes_total", "resets_total", "ring_bytes", "rooms"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}
