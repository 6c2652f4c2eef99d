package chatcluster_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/kube"
)

// runServers plays the StatefulSet controller and the kubelets: all servers are there, ready, and made from an older template.
func (f *fleet) runServers(name string) []*corev1.Pod {
	f.t.Helper()
	set := &appsv1.StatefulSet{}
	kube.Wait(f.t, "the StatefulSet", func(ctx context.Context) error { return f.Client.Get(ctx, f.key(name+"-nats"), set) })
	var pods []*corev1.Pod
	for i := range *set.Spec.Replicas {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: fmt.Sprintf("%s-nats-%d", name, i), Labels: map[string]string{}},
			Spec: *set.Spec.Template.Spec.DeepCopy()}
		for key, value := range set.Spec.Template.Labels {
			pod.Labels[key] = value
		}
		pod.Labels[appsv1.StatefulSetRevisionLabel] = "older"
		pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "", ""
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "data"})
		f.create(pod)
		pod.Status.Phase = corev1.PodRunning
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		if err := f.Client.Status().Update(f.t.Context(), pod); err != nil {
			f.t.Fatal(err)
		}
		pods = append(pods, pod)
	}
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, Replicas: *set.Spec.Replicas, ReadyReplicas: *set.Spec.Replicas,
		CurrentRevision: "older", UpdateRevision: "newest"}
	if err := f.Client.Status().Update(f.t.Context(), set); err != nil {
		f.t.Fatal(err)
	}
	return pods
}

func TestAServerOfAnOlderTemplateIsRestartedAfterTheNodes(t *testing.T) {
	f := newFleet(t)
	f.serviceAccount("default")
	f.managed("lobby", nil)
	d := f.replicas(2)
	before := d.DeepCopy()
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 2, UpdatedReplicas: 1, ReadyReplicas: 2}
	if err := f.Client.Status().Patch(t.Context(), d, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	pod := f.runServers("lobby")[0]
	f.condition("lobby", v1alpha1.ConditionProgressing, metav1.ConditionTrue, v1alpha1.ReasonRollingOut)
	f.quiet(2500 * time.Millisecond) // longer than the operator takes to look again
	if err := f.Client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
		t.Fatalf("the server was restarted before the nodes: %v", err)
	}
	f.runNodes("lobby")
	kube.Wait(t, "the server to be deleted", func(ctx context.Context) error {
		err := f.Client.Get(ctx, client.ObjectKeyFromObject(pod), pod)
		if apierrors.IsNotFound(err) || err == nil && pod.DeletionTimestamp != nil {
			return nil
		}
		return errors.Join(errors.New("it is still there"), err)
	})
	f.event("lobby", "RestartingServer")
}

func TestNoServerOfSeveralIsRestartedWhileNATSDoesNotAnswer(t *testing.T) {
	f := newFleet(t)
	f.serviceAccount("default")
	f.managed("lobby", func(c *v1alpha1.ChatCluster) {
		c.Spec.Backbone = v1alpha1.BackboneSpec{Type: v1alpha1.BackboneManaged, Managed: &v1alpha1.ManagedBackbone{Replicas: 3}}
	})
	f.runNodes("lobby")
	pods := f.runServers("lobby")
	kube.Wait(t, "the status to say what is waited for", func(ctx context.Context) error {
		c := meta.FindStatusCondition(f.get("lobby").Status.Conditions, v1alpha1.ConditionProgressing)
		if c == nil || c.Reason != v1alpha1.ReasonRollingOut || !strings.Contains(c.Message, "the next server waits") {
			return fmt.Errorf("it says %+v", c)
		}
		t.Log(c.Message)
		return nil
	})
	for _, pod := range pods {
		if err := f.Client.Get(t.Context(), client.ObjectKeyFromObject(pod), pod); err != nil || pod.DeletionTimestamp != nil {
			t.Errorf("%s was restarted: %v", pod.Name, err)
		}
	}
}
