package e2e

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// repairWait bounds a repair; the figures tell how long it takes.
const repairWait = 30 * time.Second

// deletions that would take pods along leave them, as `kubectl delete --cascade=orphan` does: what is tried here is the object.
var orphan = client.PropagationPolicy(metav1.DeletePropagationOrphan)

func TestDeletedChildrenComeBack(t *testing.T) {
	f := needSolo(t)
	before := f.starts(t)
	slowest := time.Duration(0)
	for _, c := range f.children(t) {
		if c.kind == "Secret" { // see the rotation of certificates
			continue
		}
		began := time.Now()
		if err := f.kube.Delete(t.Context(), c.Object, orphan); err != nil {
			t.Fatalf("delete %v: %v", c, err)
		}
		eventually(t, repairWait, c.String()+" to come back", func() error {
			now, err := c.now(t.Context())
			if err == nil && now.GetUID() == c.GetUID() {
				err = fmt.Errorf("the deleted one is still there")
			}
			return err
		})
		took := time.Since(began)
		t.Logf("%v came back after %v", c, took.Round(time.Millisecond))
		slowest = max(slowest, took)
	}
	figure(t, "slowest_repair_of_a_deleted_child_seconds", slowest.Seconds())
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
	for container, count := range f.starts(t) {
		if was, there := before[container]; !there || was != count {
			t.Errorf("%s is new or was restarted", container)
		}
	}
}

// spoil changes something that the operator has set, as a person does with kubectl edit; false if there is nothing.
func spoil(o client.Object) bool {
	switch o := o.(type) {
	case *corev1.Service:
		if len(o.Spec.Ports) == 0 {
			return false
		}
		o.Spec.Ports[0].TargetPort = intstr.FromInt32(1)
	case *corev1.ConfigMap:
		for key := range o.Data {
			o.Data[key] += "\n# spoilt"
		}
	case *corev1.ServiceAccount:
		yes := true
		o.AutomountServiceAccountToken = &yes
	case *appsv1.Deployment:
		o.Spec.MinReadySeconds += 7
	case *appsv1.StatefulSet:
		o.Spec.UpdateStrategy.Type = appsv1.RollingUpdateStatefulSetStrategyType
	case *policyv1.PodDisruptionBudget:
		five := intstr.FromInt32(5)
		o.Spec.MaxUnavailable, o.Spec.MinAvailable = &five, nil
	case *networkingv1.NetworkPolicy:
		o.Spec.Ingress = nil
	case *networkingv1.Ingress:
		o.Spec.Rules[0].Host = "spoilt.test"
	case *autoscalingv2.HorizontalPodAutoscaler:
		o.Spec.MaxReplicas = 99
	default:
		return false
	}
	return true
}

// specOf is an object without what the API server and others write.
func specOf(t *testing.T, o client.Object) string {
	t.Helper()
	o = o.DeepCopyObject().(client.Object)
	o.SetManagedFields(nil)
	o.SetResourceVersion("")
	o.SetGeneration(0)
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "status")
	if meta, ok := fields["metadata"].(map[string]any); ok {
		delete(meta, "annotations")
	}
	raw, err = json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestEditedChildrenAreRepairedAndForeignFieldsLeftAlone(t *testing.T) {
	f := needSolo(t)
	const foreign = "example.com/mine"
	slowest := time.Duration(0)
	for _, c := range f.children(t) {
		want := specOf(t, c.Object)
		o := c.DeepCopyObject().(client.Object)
		if !spoil(o) {
			continue
		}
		annotations := map[string]string{}
		for k, v := range o.GetAnnotations() {
			annotations[k] = v
		}
		annotations[foreign] = "kept"
		o.SetAnnotations(annotations)
		began := time.Now()
		if err := f.kube.Update(t.Context(), o, client.FieldOwner("a-person")); err != nil {
			t.Fatalf("edit %v: %v", c, err)
		}
		eventually(t, repairWait, c.String()+" to be repaired", func() error {
			now, err := c.now(t.Context())
			if err == nil && specOf(t, now) != want {
				err = fmt.Errorf("is %s\nwant %s", specOf(t, now), want)
			}
			return err
		})
		took := time.Since(began)
		t.Logf("%v was repaired after %v", c, took.Round(time.Millisecond))
		slowest = max(slowest, took)
		now, err := c.now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if now.GetUID() != c.GetUID() {
			t.Errorf("%v was replaced", c)
		}
		if now.GetAnnotations()[foreign] != "kept" {
			t.Errorf("%v lost the annotation of somebody else", c)
		}
	}
	figure(t, "slowest_repair_of_an_edited_child_seconds", slowest.Seconds())
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
}
