package chatcluster_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestAFleetOnAnExternalBackboneBecomesReady(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), nil)
	t.Log(f.condition("lobby", v1alpha1.ConditionBackboneReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected))
	f.runNodes("lobby")
	t.Log(f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected))
}
