package chatcluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/apply"
	"github.com/chatfleet/chatfleet/test/kube"
)

// replicas waits until the Deployment has that many.
func (f *fleet) replicas(want int32) *appsv1.Deployment {
	f.t.Helper()
	d := &appsv1.Deployment{}
	kube.Wait(f.t, fmt.Sprintf("%d replicas", want), func(ctx context.Context) error {
		if err := f.Client.Get(ctx, f.key("lobby-node"), d); err != nil {
			return err
		}
		if d.Spec.Replicas == nil || *d.Spec.Replicas != want {
			return fmt.Errorf("there are %v", *d.Spec.Replicas)
		}
		return nil
	})
	return d
}

// scaleAs writes the scale subresource, as the autoscaler's controller and kubectl do.
func (f *fleet) scaleAs(manager string, replicas int32) {
	f.t.Helper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: "lobby-node"}}
	scale := &autoscalingv1.Scale{ObjectMeta: d.ObjectMeta, Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	if err := f.Client.SubResource("scale").Update(f.t.Context(), d, client.WithSubResourceBody(scale), client.FieldOwner(manager)); err != nil {
		f.t.Fatal(err)
	}
}

// ownsReplicas tells whether the manager has applied the number of replicas.
func ownsReplicas(d *appsv1.Deployment, manager string) bool {
	return slices.ContainsFunc(d.ManagedFields, func(e metav1.ManagedFieldsEntry) bool {
		return e.Manager == manager && e.FieldsV1 != nil && slices.Contains(fieldsOf(e), "f:replicas")
	})
}

// numberOf waits until that one of the operator's managers alone owns the number of nodes; "": none of them.
func (f *fleet) numberOf(owner string) {
	f.t.Helper()
	kube.Wait(f.t, "the number of nodes to be "+strconv.Quote(owner)+"'s", func(ctx context.Context) error {
		d := &appsv1.Deployment{}
		if err := f.Client.Get(ctx, f.key("lobby-node"), d); err != nil {
			return err
		}
		for _, manager := range []string{apply.Operator, apply.Scale} {
			if ownsReplicas(d, manager) != (manager == owner) {
				return fmt.Errorf("the managed fields are %+v", d.ManagedFields)
			}
		}
		return nil
	})
}

func TestTheOperatorOwnsTheNumberOfNodesWithoutAutoscaling(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, nil)
	f.replicas(2)
	f.numberOf(apply.Scale)
	f.replicas(2)
	four := int32(4)
	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Nodes.Replicas = &four })
	f.replicas(4)
	f.scaleAs("kubectl", 7)
	f.replicas(4)
}

// A Deployment that begins with one node, however shortly, takes pods from those that it finds.
func TestAFleetBeginsWithAllItsNodes(t *testing.T) {
	f := newFleet(t)
	began := f.nodesBelow(3)
	f.external("lobby", unreachable, func(c *v1alpha1.ChatCluster) { three := int32(3); c.Spec.Nodes.Replicas = &three })
	f.replicas(3)
	f.settled("lobby")
	f.replaceDeployment(func(d *appsv1.Deployment) bool {
		return ownsReplicas(d, apply.Scale) && !ownsReplicas(d, apply.Operator)
	})
	began()
}

// The autoscaler changes a number only when it wants another one.
func TestAnAutoscaledFleetBeginsAgainWithMoreThanOneNode(t *testing.T) {
	f := newFleet(t)
	began := f.nodesBelow(3)
	f.external("lobby", unreachable, func(c *v1alpha1.ChatCluster) {
		c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 3, MaxReplicas: 8}
	})
	f.hpa(true)
	f.settled("lobby")
	f.replaceDeployment(func(d *appsv1.Deployment) bool { return !ownsReplicas(d, apply.Operator) })
	began()
}

// nodesBelow begins to watch the Deployments; the function that it returns fails the test for every state, up to the present one, in which one
// had fewer nodes.
func (f *fleet) nodesBelow(least int32) (check func()) {
	f.t.Helper()
	api, err := client.NewWithWatch(f.Config, client.Options{Scheme: kube.Scheme})
	if err != nil {
		f.t.Fatal(err)
	}
	seen, err := api.Watch(f.t.Context(), &appsv1.DeploymentList{}, client.InNamespace(f.Namespace))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(seen.Stop)
	return func() {
		f.t.Helper()
		d := &appsv1.Deployment{}
		if err := f.Client.Get(f.t.Context(), f.key("lobby-node"), d); err != nil {
			f.t.Fatal(err)
		}
		for last := ""; last != d.ResourceVersion; {
			event := <-seen.ResultChan()
			state, is := event.Object.(*appsv1.Deployment)
			if !is {
				f.t.Fatalf("%+v", event)
			}
			if last = state.ResourceVersion; *state.Spec.Replicas < least {
				f.t.Errorf("%s with %d nodes", event.Type, *state.Spec.Replicas)
			}
		}
	}
}

// replaceDeployment deletes the Deployment again and again, at various moments of the operator's work, and waits for another one that is made
// to the end.
func (f *fleet) replaceDeployment(made func(*appsv1.Deployment) bool) {
	f.t.Helper()
	for i := range 20 {
		d := &appsv1.Deployment{}
		if err := f.Client.Get(f.t.Context(), f.key("lobby-node"), d); err != nil {
			f.t.Fatal(err)
		}
		was := d.UID
		f.change("lobby", func(c *v1alpha1.ChatCluster) {
			c.Spec.Nodes.Env = []v1alpha1.EnvVar{{Name: "ROUND", Value: strconv.Itoa(i)}}
		})
		if err := f.Client.Delete(f.t.Context(), d); err != nil {
			f.t.Fatal(err)
		}
		kube.Wait(f.t, "another Deployment", func(ctx context.Context) error {
			if err := f.Client.Get(ctx, f.key("lobby-node"), d); err != nil {
				return err
			}
			if d.UID == was || d.DeletionTimestamp != nil || !made(d) {
				return errors.New("nobody or somebody else owns the number")
			}
			return nil
		})
	}
}

func TestAutoscalingTakesTheNumberOfNodesOverAndGivesItBack(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, nil)
	f.replicas(2)
	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 8} })
	f.hpa(true)
	f.settled("lobby")
	f.scaleAs("kube-controller-manager", 5)
	f.settled("lobby")
	f.numberOf("")
	f.replicas(5)

	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Autoscaling = nil })
	f.hpa(false)
	f.settled("lobby")
	f.numberOf(apply.Scale)
	f.replicas(5)
	three := int32(3)
	f.change("lobby", func(c *v1alpha1.ChatCluster) { c.Spec.Nodes.Replicas = &three })
	f.replicas(3)
}

func TestAFleetThatBeginsWithAutoscalingBeginsWithItsLeast(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, func(c *v1alpha1.ChatCluster) {
		c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 3, MaxReplicas: 8}
	})
	f.hpa(true)
	f.settled("lobby")
	f.numberOf(apply.Scale)
	f.replicas(3)
	f.scaleAs("kube-controller-manager", 6)
	f.settled("lobby")
	f.replicas(6)
}

// hpa waits until the autoscaler is there, or isn't.
func (f *fleet) hpa(want bool) {
	f.t.Helper()
	kube.Wait(f.t, "the autoscaler", func(ctx context.Context) error {
		err := f.Client.Get(ctx, f.key("lobby-node"), &autoscalingv2.HorizontalPodAutoscaler{})
		switch {
		case want, err != nil && !apierrors.IsNotFound(err):
			return err
		case err == nil:
			return errors.New("it is still there")
		}
		return nil
	})
}
