package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// child is one object that a ChatCluster owns.
type child struct {
	kind string
	client.Object
}

func (c child) String() string { return c.kind + " " + c.GetName() }

// fresh is an empty object of the child's type.
func (c child) fresh() client.Object {
	switch c.Object.(type) {
	case *corev1.Service:
		return &corev1.Service{}
	case *corev1.ConfigMap:
		return &corev1.ConfigMap{}
	case *corev1.Secret:
		return &corev1.Secret{}
	case *corev1.ServiceAccount:
		return &corev1.ServiceAccount{}
	case *appsv1.Deployment:
		return &appsv1.Deployment{}
	case *appsv1.StatefulSet:
		return &appsv1.StatefulSet{}
	case *policyv1.PodDisruptionBudget:
		return &policyv1.PodDisruptionBudget{}
	case *networkingv1.NetworkPolicy:
		return &networkingv1.NetworkPolicy{}
	case *networkingv1.Ingress:
		return &networkingv1.Ingress{}
	case *autoscalingv2.HorizontalPodAutoscaler:
		return &autoscalingv2.HorizontalPodAutoscaler{}
	}
	panic("a child of an unknown type: " + c.kind)
}

// now reads the child as it is.
func (c child) now(ctx context.Context) (client.Object, error) {
	o := c.fresh()
	err := theWorld.kube.Get(ctx, client.ObjectKeyFromObject(c.Object), o)
	return o, err
}

// children are all objects that the ChatCluster owns, sorted by kind and name.
func (f fleet) children(t *testing.T) []child {
	t.Helper()
	owner := f.get(t).UID
	var all []child
	collect := func(kind string, list client.ObjectList, items func() []client.Object) {
		if err := f.kube.List(t.Context(), list, client.InNamespace(f.namespace)); err != nil {
			t.Fatalf("list the children of %s: %v", f.name, err)
		}
		for _, o := range items() {
			if owned(o, owner) {
				all = append(all, child{kind, o})
			}
		}
	}
	var services corev1.ServiceList
	collect("Service", &services, func() []client.Object { return pointers(services.Items) })
	var configs corev1.ConfigMapList
	collect("ConfigMap", &configs, func() []client.Object { return pointers(configs.Items) })
	var secrets corev1.SecretList
	collect("Secret", &secrets, func() []client.Object { return pointers(secrets.Items) })
	var accounts corev1.ServiceAccountList
	collect("ServiceAccount", &accounts, func() []client.Object { return pointers(accounts.Items) })
	var deployments appsv1.DeploymentList
	collect("Deployment", &deployments, func() []client.Object { return pointers(deployments.Items) })
	var sets appsv1.StatefulSetList
	collect("StatefulSet", &sets, func() []client.Object { return pointers(sets.Items) })
	var budgets policyv1.PodDisruptionBudgetList
	collect("PodDisruptionBudget", &budgets, func() []client.Object { return pointers(budgets.Items) })
	var policies networkingv1.NetworkPolicyList
	collect("NetworkPolicy", &policies, func() []client.Object { return pointers(policies.Items) })
	var ingresses networkingv1.IngressList
	collect("Ingress", &ingresses, func() []client.Object { return pointers(ingresses.Items) })
	var scalers autoscalingv2.HorizontalPodAutoscalerList
	collect("HorizontalPodAutoscaler", &scalers, func() []client.Object { return pointers(scalers.Items) })
	return all
}

func owned(o client.Object, owner types.UID) bool {
	for _, r := range o.GetOwnerReferences() {
		if r.UID == owner && r.Controller != nil && *r.Controller {
			return true
		}
	}
	return false
}

// pointers makes objects of the items of a list.
func pointers[T any, P interface {
	*T
	client.Object
}](items []T) (objects []client.Object) {
	for i := range items {
		objects = append(objects, P(&items[i]))
	}
	return objects
}

// child finds one by kind and name.
func (f fleet) child(t *testing.T, kind, name string) child {
	t.Helper()
	all := f.children(t)
	i := slices.IndexFunc(all, func(c child) bool { return c.kind == kind && c.GetName() == name })
	if i < 0 {
		t.Fatalf("%s has no %s %s among %v", f.name, kind, name, fmt.Sprint(all))
	}
	return all[i]
}
