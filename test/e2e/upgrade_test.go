package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// upgradeOperator has the chart's operator run with other default images, as that of another release does.
func upgradeOperator(t *testing.T, values string) {
	t.Helper()
	set := fromEnvironment("E2E_HELM_SET", defaultImages) + values
	_, err := run(t.Context(), "helm", "upgrade", operatorRelease, operatorChart, "--namespace", operatorNamespace, "--set", set, "--wait", "--timeout", "90s")
	if err != nil {
		t.Fatal(err)
	}
}

// settleIn is how long pods must go on running under another operator.
const settleIn = 10 * time.Second

func TestAnotherOperatorRestartsNothingUntilItIsAllowed(t *testing.T) {
	node, nats := fromEnvironment("E2E_OTHER_NODE_IMAGE", ""), fromEnvironment("E2E_OTHER_NATS_IMAGE", "")
	f := needSolo(t)
	if node == "" || nats == "" {
		t.Skip("SKIPPED: E2E_OTHER_NODE_IMAGE and E2E_OTHER_NATS_IMAGE name the images of another release")
	}
	before := f.starts(t)
	upgradeOperator(t, ",nodeImage="+node+",backboneImage="+nats)
	defer upgradeOperator(t, "")
	stays(t, settleIn, "the pods", func() error {
		if now := f.starts(t); !maps.Equal(before, now) {
			return fmt.Errorf("before %v, now %v", before, now)
		}
		return nil
	})
	f.waitReady(t, readyWait)

	nodes, servers := f.pods(t, "node"), f.pods(t, "backbone")
	began := time.Now()
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.OperatorUpgrade = "Immediately" })
	f.replaced(t, "backbone", servers)
	f.replaced(t, "node", nodes)
	seconds(t, "promotion_to_another_release_r1", began)
	f.runs(t, "node", node)
	f.runs(t, "backbone", nats)
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.OperatorUpgrade = "OnSpecChange" })
}
