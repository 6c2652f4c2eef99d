package plan

import (
	"cmp"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// maxScalePeriod is the longest period of a scaling policy that Kubernetes takes, in seconds.
const maxScalePeriod = 1800

// autoscaler lets the number of nodes follow the use of their containers. (Live connections will be one more metric beside these.)
func (r rendering) autoscaler() Object {
	a := r.c.Spec.Autoscaling
	metrics := []autoscalingv2.MetricSpec{containerMetric(corev1.ResourceCPU, a.CPUUtilization)}
	if a.MemoryUtilization != nil {
		metrics = append(metrics, containerMetric(corev1.ResourceMemory, *a.MemoryUtilization))
	}
	minReplicas := a.MinReplicas
	behavior := autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: completed(a.ScaleUp, scaleUp()), ScaleDown: completed(a.ScaleDown, scaleDown())}
	return &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   typeMeta("autoscaling/v2", "HorizontalPodAutoscaler"),
		ObjectMeta: meta(r.c, r.names.Node, ComponentNode),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: r.names.Node},
			MinReplicas:    &minReplicas,
			MaxReplicas:    a.MaxReplicas,
			Metrics:        metrics,
			Behavior:       &behavior,
		},
	}
}

func containerMetric(name corev1.ResourceName, percent int32) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{
		Type: autoscalingv2.ContainerResourceMetricSourceType,
		ContainerResource: &autoscalingv2.ContainerResourceMetricSource{
			Name: name, Container: NodeContainer,
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent},
		},
	}
}

// completed fills in what rules of the spec leave out. Kubernetes would do so too, but in its way: all nodes may go at once.
func completed(given, ours *autoscalingv2.HPAScalingRules) *autoscalingv2.HPAScalingRules {
	if given == nil {
		return ours
	}
	if given = given.DeepCopy(); given.Policies == nil {
		given.Policies = ours.Policies
	}
	given.StabilizationWindowSeconds = cmp.Or(given.StabilizationWindowSeconds, ours.StabilizationWindowSeconds)
	given.SelectPolicy = cmp.Or(given.SelectPolicy, ours.SelectPolicy)
	given.Tolerance = cmp.Or(given.Tolerance, ours.Tolerance)
	return given
}

// scaleUp doubles the nodes at most, or adds four, every 15 seconds.
func scaleUp() *autoscalingv2.HPAScalingRules {
	most := autoscalingv2.MaxChangePolicySelect
	return &autoscalingv2.HPAScalingRules{
		SelectPolicy: &most,
		Tolerance:    tolerance("0.05"),
		Policies: []autoscalingv2.HPAScalingPolicy{
			{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15},
			{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15},
		},
	}
}

// scaleDown takes one node at a time, no faster than a rolling update does, after five minutes of less load.
func scaleDown() *autoscalingv2.HPAScalingRules {
	window := int32(300)
	return &autoscalingv2.HPAScalingRules{
		StabilizationWindowSeconds: &window,
		Tolerance:                  tolerance("0.15"),
		Policies: []autoscalingv2.HPAScalingPolicy{
			{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: min(pace(), maxScalePeriod)},
		},
	}
}

func tolerance(share string) *resource.Quantity {
	q := resource.MustParse(share)
	return &q
}
