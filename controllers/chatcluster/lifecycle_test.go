package chatcluster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
	"github.com/chatfleet/chatfleet/test/process"
)

func TestAPausedFleetIsLeftAlone(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), nil)
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Paused = true })
	f.condition("lobby", v1alpha1.ConditionPaused, metav1.ConditionTrue, v1alpha1.ReasonPaused)
	f.settled("lobby")

	mark := f.requests.Count()
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: "lobby"}}
	if err := f.Client.Delete(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	four := int32(4)
	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Nodes.Replicas = &four })
	f.condition("lobby", v1alpha1.ConditionPaused, metav1.ConditionTrue, v1alpha1.ReasonPaused)
	f.settled("lobby")
	for _, r := range f.sent(mark) {
		if r.Path != fmt.Sprintf("/apis/chatfleet.dev/v1alpha1/namespaces/%s/chatclusters/lobby/status", f.Namespace) && r.Method != "GET" {
			t.Errorf("sent %v", r)
		}
	}
	f.condition("lobby", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)

	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Paused = false })
	f.replicas(4)
	kube.Wait(t, "the Service", func(ctx context.Context) error { return f.Client.Get(ctx, f.key("lobby"), service) })
	f.condition("lobby", v1alpha1.ConditionPaused, metav1.ConditionFalse, v1alpha1.ReasonNotPaused)
}

func TestFleetsOfOneNamespaceDontTouchEachOther(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), nil)
	f.external("lobby-2", nats.URLs(), nil)
	for _, name := range []string{"lobby", "lobby-2"} {
		f.runNodes(name)
		f.condition(name, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
	}
	other := f.settled("lobby-2")
	f.change("lobby", nothing)
	if err := f.Client.Delete(t.Context(), f.get("lobby")); err != nil {
		t.Fatal(err)
	}
	for name, now := range f.settled("lobby-2") {
		if now.ResourceVersion != other[name].ResourceVersion {
			t.Errorf("%s of the other was changed", name)
		}
	}
	f.condition("lobby-2", v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAsExpected)
}

func TestChildrenHaveWhatTheGarbageCollectorNeeds(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, everything)
	owner := f.get("lobby")
	for name, c := range f.settled("lobby") {
		if !metav1.IsControlledBy(c, owner) {
			t.Errorf("%s goes not with its ChatCluster: %+v", name, c.OwnerReferences)
		}
	}
	if len(owner.Finalizers) != 0 {
		t.Errorf("finalizers %v: deletion must not need the operator", owner.Finalizers)
	}
}

func TestPodsThatCannotRunAreExplained(t *testing.T) {
	nats := process.StartNATS(t, 1)
	f := newFleet(t)
	f.external("lobby", nats.URLs(), nil)
	d := f.replicas(2)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: "lobby-node-x", Labels: d.Spec.Template.Labels}, Spec: d.Spec.Template.Spec}
	pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "", ""
	f.serviceAccount("default")
	if err := f.Client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}}}}
	if err := f.Client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	t.Log(f.condition("lobby", v1alpha1.ConditionNodesReady, metav1.ConditionFalse, v1alpha1.ReasonImageUnavailable))
	f.condition("lobby", v1alpha1.ConditionDegraded, metav1.ConditionTrue, v1alpha1.ReasonNodesNotReady)
	f.event("lobby", "ImageUnavailable")
	if err := f.Client.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	f.runNodes("lobby")
	f.condition("lobby", v1alpha1.ConditionDegraded, metav1.ConditionFalse, v1alpha1.ReasonAsExpected)
	f.event("lobby", "Created")
	f.event("lobby", "BackboneReady")
	f.event("lobby", "Ready")
}

func (f *fleet) serviceAccount(name string) {
	f.t.Helper()
	if err := f.Client.Create(f.t.Context(), &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: name}}); err != nil {
		f.t.Fatal(err)
	}
}

// event waits for one with that reason.
func (f *fleet) event(cluster, reason string) {
	f.t.Helper()
	kube.Wait(f.t, "the event "+reason, func(ctx context.Context) error {
		list := &eventsv1.EventList{}
		if err := f.Client.List(ctx, list, client.InNamespace(f.Namespace)); err != nil {
			return err
		}
		var got []string
		for _, e := range list.Items {
			if e.Regarding.Name == cluster && e.Reason == reason {
				return nil
			}
			got = append(got, e.Reason)
		}
		return fmt.Errorf("there are %v", got)
	})
}

func TestAManagedBackboneGrowsItsVolumes(t *testing.T) {
	f := newFleet(t)
	f.managed("lobby", nil)
	set, claim := f.boundServer(true)
	f.doubleVolumes()
	kube.Wait(t, "the StatefulSet to be made anew, once its pods are let go", func(ctx context.Context) error {
		now := &appsv1.StatefulSet{}
		if err := f.Client.Get(ctx, f.key("lobby-nats"), now); err != nil {
			return err
		}
		if now.DeletionTimestamp != nil && len(now.Finalizers) > 0 {
			if now.Finalizers[0] != metav1.FinalizerOrphanDependents {
				t.Fatalf("pods would go too: %v", now.Finalizers)
			}
			now.Finalizers = nil // as the garbage collector does
			return errors.Join(errors.New("still the old one"), f.Client.Update(ctx, now))
		}
		if now.UID == set.UID {
			return errors.New("still the old one")
		}
		return nil
	})
	if err := f.Client.Get(t.Context(), f.key(claim.Name), claim); err != nil {
		t.Fatal(err)
	}
	if size := claim.Spec.Resources.Requests[corev1.ResourceStorage]; size.String() != "20Gi" {
		t.Errorf("the claim asks for %s", size.String())
	}
}

func TestVolumesThatCannotGrowLeaveTheServersAsTheyAre(t *testing.T) {
	f := newFleet(t)
	f.managed("lobby", nil)
	set, _ := f.boundServer(false)
	config := &corev1.ConfigMap{}
	if err := f.Client.Get(t.Context(), f.key("lobby-nats"), config); err != nil {
		t.Fatal(err)
	}
	f.doubleVolumes()
	message := f.condition("lobby", v1alpha1.ConditionDegraded, metav1.ConditionTrue, v1alpha1.ReasonApplyFailed)
	if !strings.Contains(message, "data-lobby-nats-0") {
		t.Errorf("which claim? %s", message)
	}
	now, settings := &appsv1.StatefulSet{}, &corev1.ConfigMap{}
	if err := errors.Join(f.Client.Get(t.Context(), f.key("lobby-nats"), now), f.Client.Get(t.Context(), f.key("lobby-nats"), settings)); err != nil {
		t.Fatal(err)
	}
	if now.UID != set.UID || now.DeletionTimestamp != nil || now.Generation != set.Generation {
		t.Errorf("the StatefulSet was %s, generation %d, and is %s, %d, deleted %v", set.UID, set.Generation, now.UID, now.Generation, now.DeletionTimestamp)
	}
	if !maps.Equal(settings.Data, config.Data) {
		t.Errorf("the servers are told\n%s\nbut their volumes are as large as\n%s", settings.Data, config.Data)
	}
}

// boundServer waits for the StatefulSet of the servers, and plays the claim of the first, bound to a volume that may grow or not.
func (f *fleet) boundServer(grows bool) (*appsv1.StatefulSet, *corev1.PersistentVolumeClaim) {
	f.t.Helper()
	set := &appsv1.StatefulSet{}
	kube.Wait(f.t, "the StatefulSet", func(ctx context.Context) error { return f.Client.Get(ctx, f.key("lobby-nats"), set) })
	template := set.Spec.VolumeClaimTemplates[0]
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: "data-lobby-nats-0", Labels: template.Labels}, Spec: template.Spec,
	}
	class := f.class(grows)
	claim.Spec.StorageClassName = &class
	if err := f.Client.Create(f.t.Context(), claim); err != nil {
		f.t.Fatal(err)
	}
	claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: claim.Spec.Resources.Requests}
	if err := f.Client.Status().Update(f.t.Context(), claim); err != nil {
		f.t.Fatal(err)
	}
	return set, claim
}

func (f *fleet) doubleVolumes() {
	f.t.Helper()
	f.change("lobby", func(c *v1alpha1.ChatCluster) {
		c.Spec.Backbone.Managed.Storage.Size.Add(c.Spec.Backbone.Managed.Storage.Size)
	})
}
