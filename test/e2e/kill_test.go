package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/crowd"
)

// Sizes of the crowd that listens to faults: two cores carry clients and cluster together.
const (
	faultClients = 10
	faultRooms   = 5
	faultRest    = 100 * time.Millisecond
)

// killPod ends a pod as kill -9 does.
func (f fleet) killPod(t *testing.T, component string) string {
	t.Helper()
	pods := f.pods(t, component)
	if len(pods) == 0 {
		t.Fatalf("no %s pod to kill", component)
	}
	p := pods[len(pods)-1]
	if err := f.kube.Delete(t.Context(), &p, client.GracePeriodSeconds(0)); err != nil {
		t.Fatalf("kill %s: %v", p.Name, err)
	}
	return p.Name
}

// through measures how long it takes until everybody gets through after a fault.
func through(t *testing.T, c *crowd.Crowd, fault string) {
	t.Helper()
	began := time.Now()
	c.WaitLoad("everybody to get through after: " + fault)
	seconds(t, "all_through_after_"+strings.ReplaceAll(fault, " ", "_"), began)
}

func TestKilledPodsCostNothing(t *testing.T) {
	f := needTrio(t)
	c := f.gather(t, faultClients, faultRooms, faultRest)
	c.WaitLoad("everybody to get through before")

	t.Logf("killed %s", f.killPod(t, "node"))
	f.waitCondition(t, time.Minute, v1alpha1.ConditionNodesReady, metav1.ConditionFalse,
		v1alpha1.ReasonStarting, v1alpha1.ReasonNodesNotReady, v1alpha1.ReasonScaling, v1alpha1.ReasonRollingOut)
	through(t, c, "kill of a node")
	f.waitReady(t, readyWait)

	began := time.Now()
	t.Logf("killed %s", f.killPod(t, "backbone"))
	f.waitNotAsExpected(t, time.Minute, v1alpha1.ConditionBackboneReady)
	through(t, c, "kill of a NATS server")
	f.waitReady(t, readyWait)
	seconds(t, "ready_again_after_kill_of_a_NATS_server", began)
	c.WaitLoad("everybody to get through in the end")
	verdict(t, c)
}

// waitNotAsExpected returns when a condition, or Degraded for its sake, says that something is wrong.
func (f fleet) waitNotAsExpected(t *testing.T, patience time.Duration, kind string) {
	t.Helper()
	eventually(t, patience, kind+" to say what is wrong", func() error {
		c := f.get(t)
		if is(c, kind, metav1.ConditionFalse) || is(c, v1alpha1.ConditionDegraded, metav1.ConditionTrue) {
			t.Logf("%s", says(c))
			return nil
		}
		return fmt.Errorf("it says %s", says(c))
	})
}

// powerCommands take a Kubernetes node's power away and give it back; empty if nobody says how.
func powerCommands() (off, on string) {
	if local := os.Getenv("E2E_LOCALCLUSTER"); local != "" {
		return local + " node-off", local + " node-on"
	}
	return os.Getenv("E2E_NODE_OFF"), os.Getenv("E2E_NODE_ON")
}

// power runs one of them.
func power(t *testing.T, command, node string) {
	t.Helper()
	words := append(strings.Fields(command), node)
	if _, err := run(t.Context(), words[0], words[1:]...); err != nil {
		t.Fatal(err)
	}
}

// victim is a Kubernetes node that runs a NATS server of the fleet, and neither the operator nor the cluster's DNS if that can be had.
func (f fleet) victim(t *testing.T) string {
	t.Helper()
	var all corev1.PodList
	if err := f.kube.List(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	others := map[string]int{}
	for _, p := range all.Items {
		if p.Namespace == operatorNamespace || p.Namespace == metav1.NamespaceSystem {
			others[p.Spec.NodeName]++
		}
	}
	best := ""
	for _, p := range f.pods(t, "backbone") {
		if best == "" || others[p.Spec.NodeName] < others[best] {
			best = p.Spec.NodeName
		}
	}
	return best
}

func TestAKubernetesNodeWithoutPowerCostsNothing(t *testing.T) {
	f := needTrio(t)
	off, on := powerCommands()
	if off == "" || on == "" {
		t.Skip("SKIPPED: E2E_NODE_OFF and E2E_NODE_ON say how to take the power of a Kubernetes node away and give it back")
	}
	hosts := map[string]bool{}
	for _, p := range f.pods(t, "backbone") {
		hosts[p.Spec.NodeName] = true
	}
	if len(hosts) < 3 {
		t.Skipf("SKIPPED: the three servers share %d Kubernetes nodes: one without power could be the majority", len(hosts))
	}
	c := f.gather(t, faultClients, faultRooms, faultRest)
	c.WaitLoad("everybody to get through before")
	node := f.victim(t)
	dark := true
	defer func() {
		if dark {
			power(t, on, node)
		}
	}()
	power(t, off, node)
	t.Logf("%s has no power", node)
	through(t, c, "loss of a Kubernetes node")
	f.waitNotAsExpected(t, 2*time.Minute, v1alpha1.ConditionBackboneReady)
	c.WaitLoad("everybody to get through while it is off")
	dark = false
	began := time.Now()
	power(t, on, node)
	f.waitReady(t, readyWait)
	seconds(t, "ready_again_after_power_returned", began)
	c.WaitLoad("everybody to get through in the end")
	verdict(t, c)
}

// A server that lost its volume comes back as another one. The lost one is given up, and all messages are copied to its successor.
func TestALostVolumeCostsNothing(t *testing.T) {
	f := needTrio(t)
	c := f.gather(t, faultClients, faultRooms, faultRest)
	c.WaitLoad("everybody to get through before")
	pods := f.pods(t, "backbone")
	p := pods[len(pods)-1]
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "data-" + p.Name}}
	began := time.Now()
	if err := f.kube.Delete(t.Context(), claim); err != nil {
		t.Fatalf("delete the claim of %s: %v", p.Name, err)
	}
	if err := f.kube.Delete(t.Context(), &p, client.GracePeriodSeconds(0)); err != nil {
		t.Fatalf("kill %s: %v", p.Name, err)
	}
	through(t, c, "loss of a volume")
	f.waitNotAsExpected(t, time.Minute, v1alpha1.ConditionBackboneReady)
	f.waitReady(t, 2*readyWait)
	seconds(t, "ready_again_after_loss_of_a_volume", began)
	c.WaitLoad("everybody to get through in the end")
	verdict(t, c)
}
