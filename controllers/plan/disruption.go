package plan

import (
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// disruption lets hosts be drained one pod at a time: also when there is only one pod, which a drain must not wait for for ever, and
// when pods don't run well, which need no protection.
func disruption(c *v1alpha1.ChatCluster, name, component string) Object {
	one, always := intstr.FromInt32(1), policyv1.AlwaysAllow
	return &policyv1.PodDisruptionBudget{
		TypeMeta: typeMeta("policy/v1", "PodDisruptionBudget"), ObjectMeta: meta(c, name, component),
		Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: &one, Selector: selectorOf(c, component), UnhealthyPodEvictionPolicy: &always,
		},
	}
}
