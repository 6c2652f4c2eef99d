package charts

import (
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

// everyKind are ChatClusters that have children of every kind between them.
func everyKind() []*v1alpha1.ChatCluster {
	managed, external := &v1alpha1.ChatCluster{}, &v1alpha1.ChatCluster{}
	for _, c := range []*v1alpha1.ChatCluster{managed, external} {
		c.Name, c.Namespace, c.UID = "lobby", "chat", "1"
		c.Spec.Exposure.Host = "chat.example.com"
		c.Spec.Monitoring = v1alpha1.MonitoringSpec{PodMonitor: v1alpha1.Enabled, Rules: v1alpha1.Enabled, Dashboard: v1alpha1.Enabled}
		c.Spec.TLS.IssuerRef = &v1alpha1.IssuerReference{Name: "issuer"}
	}
	managed.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 2, MaxReplicas: 3, ScaleUp: &autoscalingv2.HPAScalingRules{}}
	managed.Spec.Exposure.Ingress = &v1alpha1.IngressSpec{}
	managed.Spec.Backbone.Managed = &v1alpha1.ManagedBackbone{Replicas: 3}
	external.Spec.Exposure.Gateway = &v1alpha1.GatewaySpec{ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	external.Spec.Backbone.Type = v1alpha1.BackboneExternal
	external.Spec.Backbone.External = &v1alpha1.ExternalBackbone{URLs: []string{"nats://nats:4222"}}
	return []*v1alpha1.ChatCluster{managed, external}
}

// planned are the resources of children.
func planned(t *testing.T) map[schema.GroupResource]bool {
	t.Helper()
	resources := map[schema.GroupResource]bool{{Resource: "secrets"}: true} // certificates, which the plan doesn't hold
	for _, c := range everyKind() {
		p, err := plan.Make(plan.Inputs{
			Cluster:  c,
			Observed: plan.Observed{APIs: plan.APIs{HTTPRoute: true, PodMonitor: true, PrometheusRule: true, Certificate: true}},
			Defaults: plan.Defaults{NodeImage: "node:1", BackboneImage: "nats:1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Objects {
			plural, _ := meta.UnsafeGuessKindToResource(o.GetObjectKind().GroupVersionKind())
			resources[plural.GroupResource()] = true
		}
	}
	return resources
}

func TestRightsInANamespaceAreThoseThatThePlanNeeds(t *testing.T) {
	verbs := map[schema.GroupResource][]string{}
	for _, o := range ofKind(operator(t, "default.yaml"), "ClusterRole") {
		if o.GetName() != "chatfleet-namespace" {
			continue
		}
		var role rbacv1.ClusterRole
		decode(t, o, &role)
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					verbs[schema.GroupResource{Group: group, Resource: resource}] = rule.Verbs
				}
			}
		}
	}
	wanted := planned(t)
	for resource := range wanted {
		for _, verb := range []string{"get", "list", "watch", "create", "patch"} {
			if !slices.Contains(verbs[resource], verb) {
				t.Errorf("may not %s %s", verb, resource)
			}
		}
	}
	for resource, granted := range verbs {
		others := []string{"pods", "persistentvolumeclaims", "events.events.k8s.io"} // which belong to nobody's plan
		if !wanted[resource] && !slices.Contains(others, resource.String()) {
			t.Errorf("may %s %s, of which no ChatCluster has any", strings.Join(granted, ", "), resource)
		}
	}
}
