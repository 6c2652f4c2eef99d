package chatcluster_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/controllers/plan"
	"github.com/chatfleet/chatfleet/test/kube"
)

// childKinds are all kinds that a ChatCluster has children of where no optional API is there.
var childKinds = []schema.GroupVersionKind{
	corev1.SchemeGroupVersion.WithKind("ServiceAccount"), corev1.SchemeGroupVersion.WithKind("ConfigMap"),
	corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithKind("Secret"),
	appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
	policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"), networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"),
	networkingv1.SchemeGroupVersion.WithKind("Ingress"), autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
}

// child is one child as it is.
type child struct {
	*metav1.PartialObjectMetadata
}

func (c child) String() string { return c.Kind + " " + c.Name }

// children are those of a ChatCluster, by kind and name.
func (f *fleet) children(ctx context.Context, cluster string) (map[string]child, error) {
	all := map[string]child{}
	for _, kind := range childKinds {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err := f.Client.List(ctx, list, client.InNamespace(f.Namespace), client.MatchingLabels{plan.LabelCluster: cluster}); err != nil {
			return nil, err
		}
		for i := range list.Items {
			list.Items[i].SetGroupVersionKind(kind)
			c := child{&list.Items[i]}
			all[c.String()] = c
		}
	}
	return all, nil
}

// settled waits until the operator has done what the spec says, and has sent nothing for half a second, and returns the children.
func (f *fleet) settled(cluster string) map[string]child {
	f.t.Helper()
	kube.Wait(f.t, "the spec to be carried out", func(context.Context) error {
		if c := f.get(cluster); c.Status.ObservedGeneration != c.Generation {
			return fmt.Errorf("the status is of generation %d, the spec %d", c.Status.ObservedGeneration, c.Generation)
		}
		return nil
	})
	f.quiet(500 * time.Millisecond)
	all, err := f.children(f.t.Context(), cluster)
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// quiet waits until the operator has sent nothing but watches for that long.
func (f *fleet) quiet(long time.Duration) {
	f.t.Helper()
	since, sent := time.Now(), f.count()
	kube.Wait(f.t, "the operator to send nothing", func(context.Context) error {
		if now := f.count(); now != sent {
			since, sent = time.Now(), now
		}
		if time.Since(since) < long {
			return errors.New("it goes on sending")
		}
		return nil
	})
}

// count is the number of requests of the operator but watches.
func (f *fleet) count() int { return len(f.sent(0)) }

// sent are the requests of the operator but watches.
func (f *fleet) sent(mark int) []kube.Request {
	return slices.DeleteFunc(f.requests.Since(mark), func(r kube.Request) bool { return r.Watch })
}

// vandalize overwrites all labels but the one by which the operator finds the child.
func vandalize(c child) client.Patch {
	var changes []string
	for key := range c.Labels {
		if key != plan.LabelCluster {
			changes = append(changes, fmt.Sprintf("%q:\"vandal\"", key))
		}
	}
	return client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{`+strings.Join(changes, ",")+`}}}`))
}

func TestAnyChildThatIsEditedOrDeletedIsRepaired(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, everything)
	before := f.settled("lobby")
	if len(before) < len(childKinds) {
		t.Fatalf("there are only %v", before)
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		old := before[name]
		t.Run("edit "+name, func(t *testing.T) {
			edited := old.DeepCopy()
			if err := f.Client.Patch(t.Context(), edited, vandalize(old)); err != nil {
				t.Fatal(err)
			}
			took := f.repaired(t, old, func(now *metav1.PartialObjectMetadata) error {
				if !maps.Equal(now.Labels, old.Labels) {
					return fmt.Errorf("labels are %v", now.Labels)
				}
				return nil
			})
			t.Logf("%s was edited and repaired in %v", name, took)
		})
		t.Run("delete "+name, func(t *testing.T) {
			if err := f.Client.Delete(t.Context(), old.DeepCopy(), client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
				t.Fatal(err)
			}
			took := f.repaired(t, old, func(now *metav1.PartialObjectMetadata) error {
				if now.UID == old.UID {
					return errors.New("it is the old one")
				}
				return nil
			})
			t.Logf("%s was deleted and repaired in %v", name, took)
		})
	}
}

// repaired waits until the child is as wanted and returns how long that took.
func (f *fleet) repaired(t *testing.T, old child, wanted func(*metav1.PartialObjectMetadata) error) time.Duration {
	t.Helper()
	start := time.Now()
	kube.Wait(t, old.String()+" to be repaired", func(ctx context.Context) error {
		now := &metav1.PartialObjectMetadata{}
		now.SetGroupVersionKind(old.GroupVersionKind())
		if err := f.Client.Get(ctx, client.ObjectKeyFromObject(old), now); err != nil {
			return err
		}
		return wanted(now)
	})
	return time.Since(start).Round(time.Millisecond)
}

func TestTheContentOfAChildIsRepairedAndOthersFieldsStay(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, nil)
	f.settled("lobby")
	ctx := t.Context()
	service := &corev1.Service{}
	if err := f.Client.Get(ctx, f.key("lobby"), service); err != nil {
		t.Fatal(err)
	}
	theirs := service.DeepCopy()
	theirs.Annotations = map[string]string{"example.org/theirs": "kept"}
	theirs.Labels["example.org/theirs"] = "kept"
	theirs.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	theirs.Spec.Ports[0].TargetPort.IntVal, theirs.Spec.Ports[0].TargetPort.StrVal, theirs.Spec.Ports[0].TargetPort.Type = 1, "", 0
	if err := f.Client.Patch(ctx, theirs, client.MergeFrom(service), client.FieldOwner("somebody")); err != nil {
		t.Fatal(err)
	}
	kube.Wait(t, "the port to be repaired", func(ctx context.Context) error {
		now := &corev1.Service{}
		if err := f.Client.Get(ctx, f.key("lobby"), now); err != nil {
			return err
		}
		if now.Spec.Ports[0].TargetPort != service.Spec.Ports[0].TargetPort {
			return fmt.Errorf("target port is %v", now.Spec.Ports[0].TargetPort)
		}
		if now.Annotations["example.org/theirs"] != "kept" || now.Labels["example.org/theirs"] != "kept" || now.Spec.SessionAffinity != corev1.ServiceAffinityClientIP {
			t.Fatalf("fields of somebody else are gone: %v %v %v", now.Annotations, now.Labels, now.Spec.SessionAffinity)
		}
		return nil
	})
}

func TestAnObjectOfSomebodyElseIsNeverTakenOver(t *testing.T) {
	f := newFleet(t)
	theirs := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: "lobby"}}
	theirs.Spec.Ports = []corev1.ServicePort{{Port: 1234}}
	if err := f.Client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	f.external("lobby", unreachable, nil)
	t.Log(f.condition("lobby", "Degraded", metav1.ConditionTrue, "NameTaken"))
	f.condition("lobby", "Progressing", metav1.ConditionFalse, "NameTaken")
	now := &corev1.Service{}
	if err := f.Client.Get(t.Context(), f.key("lobby"), now); err != nil {
		t.Fatal(err)
	}
	if now.ResourceVersion != theirs.ResourceVersion {
		t.Errorf("it was changed: %+v", now)
	}
	if err := f.Client.Get(t.Context(), f.key("lobby-node"), &appsv1.Deployment{}); err != nil {
		t.Errorf("the other children are not there: %v", err)
	}
	if err := f.Client.Delete(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	// The operator doesn't watch what isn't its own; any change of its own makes it look again.
	f.touch("lobby")
	kube.Wait(t, "the Service", func(ctx context.Context) error {
		err := f.Client.Get(ctx, f.key("lobby"), now)
		if err == nil && !metav1.IsControlledBy(now, f.get("lobby")) {
			return errors.New("it isn't ours")
		}
		return err
	})
	f.condition("lobby", "Progressing", metav1.ConditionTrue, "Starting")
}

func TestWhatTheSpecAsksForNoLongerIsRemoved(t *testing.T) {
	f := newFleet(t)
	f.external("lobby", unreachable, everything)
	before := f.settled("lobby")
	for _, name := range []string{"Ingress lobby", "NetworkPolicy lobby-node", "HorizontalPodAutoscaler lobby-node"} {
		if _, found := before[name]; !found {
			t.Fatalf("there is no %s", name)
		}
	}
	theirs := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: f.Namespace, Name: "theirs", Labels: before["Ingress lobby"].Labels}}
	if err := f.Client.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	f.change("lobby", nothing)
	kube.Wait(t, "the children to be removed", func(ctx context.Context) error {
		now, err := f.children(ctx, "lobby")
		if err != nil {
			return err
		}
		for _, name := range []string{"Ingress lobby", "NetworkPolicy lobby-node", "HorizontalPodAutoscaler lobby-node"} {
			if _, found := now[name]; found {
				return fmt.Errorf("%s is still there", name)
			}
		}
		return nil
	})
	f.settled("lobby")
	if err := f.Client.Get(t.Context(), client.ObjectKeyFromObject(theirs), theirs); apierrors.IsNotFound(err) {
		t.Error("an object of somebody else, with the labels of a child, was removed")
	}
}
