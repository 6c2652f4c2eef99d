package chatcluster_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/process"
)

// silent is an address where everybody is accepted and nobody gets an answer.
func silent(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return "nats://" + listener.Addr().String()
}

func TestBackbonesThatDontAnswerKeepNobodyWaiting(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	for i := range 20 {
		f.external(fmt.Sprintf("silent-%d", i), []string{silent(t)}, nil)
	}
	start := time.Now()
	f.external("lobby", nats.URLs(), nil)
	f.condition("lobby", v1alpha1.ConditionBackboneReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	t.Logf("a backbone was ready %v after its ChatCluster, beside 20 that don't answer", time.Since(start).Round(time.Millisecond))
	t.Log(f.condition("silent-7", v1alpha1.ConditionBackboneReady, metav1.ConditionFalse, v1alpha1.ReasonUnreachable))
}

func TestABackboneThatGoesAndComesIsSeen(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for looks that are seconds apart; make test runs it")
	}
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), nil)
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	nats.Server(0).Kill()
	t.Log(f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonBackboneNotReady))
	nats.Server(0).Restart()
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	f.event("lobby", "NotReady")
	f.event("lobby", "StreamsChanged")
}
