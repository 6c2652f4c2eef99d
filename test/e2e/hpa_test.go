package e2e

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// nodes reads the Deployment of the chat nodes.
func (f fleet) nodes(t *testing.T) *appsv1.Deployment {
	t.Helper()
	var d appsv1.Deployment
	if err := f.kube.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: f.names().Node}, &d); err != nil {
		t.Fatalf("read the Deployment of %s: %v", f.name, err)
	}
	return &d
}

// The operator and the autoscaler never fight over the number of nodes, and the autoscaler's settings roll no pods.
func TestTheAutoscalerOwnsTheNumberOfNodesWhileItIsThere(t *testing.T) {
	f := needSolo(t)
	before := map[string]bool{}
	for _, p := range f.pods(t, "node") {
		before[string(p.UID)] = true
	}
	f.change(t, func(s *v1alpha1.ChatClusterSpec) {
		s.Nodes.Replicas = nil
		s.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 2, MaxReplicas: 4, CPUUtilization: 60}
	})
	var hpa autoscalingv2.HorizontalPodAutoscaler
	key := client.ObjectKey{Namespace: f.namespace, Name: f.names().Node}
	eventually(t, time.Minute, "the autoscaler", func() error { return f.kube.Get(t.Context(), key, &hpa) })
	if hpa.Spec.ScaleTargetRef.Name != f.names().Node || *hpa.Spec.MinReplicas != 2 || hpa.Spec.MaxReplicas != 4 || len(hpa.Spec.Metrics) == 0 {
		t.Errorf("%+v", hpa.Spec)
	}
	eventually(t, time.Minute, "the status to name the autoscaler", func() error {
		if s := f.get(t).Status.Autoscaling; s.Driver != "HPA" {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	// The autoscaler itself writes the number, and the operator lets it stand.
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.Autoscaling.MinReplicas, s.Autoscaling.MaxReplicas = 3, 5 })
	eventually(t, time.Minute, "the autoscaler to want three nodes", func() error {
		if n := *f.nodes(t).Spec.Replicas; n != 3 {
			return fmt.Errorf("%d nodes are wanted", n)
		}
		return nil
	})
	began := time.Now()
	f.waitReady(t, readyWait)
	seconds(t, "autoscaled_to_ready", began)
	stays(t, 5*time.Second, "the autoscaler's number", func() error {
		if n := *f.nodes(t).Spec.Replicas; n != 3 {
			return fmt.Errorf("%d nodes are wanted", n)
		}
		return nil
	})
	for _, p := range f.pods(t, "node") {
		delete(before, string(p.UID))
	}
	if len(before) > 0 {
		t.Errorf("%d nodes were replaced on the way", len(before))
	}
	two := int32(2)
	f.change(t, func(s *v1alpha1.ChatClusterSpec) { s.Nodes.Replicas, s.Autoscaling = &two, nil })
	eventually(t, time.Minute, "the spec's number", func() error {
		if n := *f.nodes(t).Spec.Replicas; n != 2 {
			return fmt.Errorf("%d nodes are wanted", n)
		}
		if err := f.kube.Get(t.Context(), key, &hpa); client.IgnoreNotFound(err) != nil || err == nil {
			return fmt.Errorf("the autoscaler is there (%w)", err)
		}
		return nil
	})
	f.waitReady(t, readyWait)
}
