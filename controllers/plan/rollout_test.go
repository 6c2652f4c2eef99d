package plan

import (
	"reflect"
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func TestNodesAreReplacedOneByOneAndHaveTimeToDrain(t *testing.T) {
	for period, grace := range map[time.Duration]int64{0: 30, 2 * time.Minute: 150, 1500 * time.Millisecond: 32, time.Hour: 3630} {
		d := made(t, lobby(func(c *v1alpha1.ChatCluster) { c.Spec.Drain.Period = &metav1.Duration{Duration: period} })).deployment(t).Spec
		if got := *d.Template.Spec.TerminationGracePeriodSeconds; got != grace {
			t.Errorf("drain over %v: %d s until a node is killed, want %d", period, got, grace)
		}
		if args := d.Template.Spec.Containers[0].Args; !slices.Contains(args, "--drain-period="+period.String()) {
			t.Errorf("drain over %v: %v", period, args)
		}
		if d.Strategy.RollingUpdate.MaxUnavailable.IntValue() != 0 || d.Strategy.RollingUpdate.MaxSurge.IntValue() != 1 {
			t.Errorf("strategy %+v", d.Strategy.RollingUpdate)
		}
		if d.MinReadySeconds != 10 || *d.ProgressDeadlineSeconds != 610 {
			t.Errorf("paced by %d s, stuck after %d s", d.MinReadySeconds, *d.ProgressDeadlineSeconds)
		}
	}
}

func TestNodesStandApartIfTheyCan(t *testing.T) {
	spread := made(t, lobby()).deployment(t).Spec.Template.Spec.TopologySpreadConstraints
	var keys []string
	for _, constraint := range spread {
		keys = append(keys, constraint.TopologyKey)
		if constraint.WhenUnsatisfiable != corev1.ScheduleAnyway {
			t.Errorf("by %s: %s", constraint.TopologyKey, constraint.WhenUnsatisfiable)
		}
	}
	if !slices.Equal(keys, []string{hostKey, zoneKey}) {
		t.Errorf("apart by %v", keys)
	}
}

func TestNodesLeaveALostHostSoonUnlessTheSpecSaysOtherwise(t *testing.T) {
	tolerations := func(given ...corev1.Toleration) map[string]int64 {
		all := map[string]int64{}
		change := func(c *v1alpha1.ChatCluster) { c.Spec.Nodes.Tolerations = given }
		for _, toleration := range made(t, lobby(change)).deployment(t).Spec.Template.Spec.Tolerations {
			all[toleration.Key] = *toleration.TolerationSeconds
		}
		return all
	}
	lost, gone := corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable
	if got := tolerations(); got[lost] != 30 || got[gone] != 30 || len(got) != 2 {
		t.Errorf("by default %v", got)
	}
	if got := tolerations(corev1.Toleration{Key: lost, TolerationSeconds: pointer(int64(900))}); got[lost] != 900 || got[gone] != 30 {
		t.Errorf("with one of the spec %v", got)
	}
	if got := tolerations(corev1.Toleration{TolerationSeconds: pointer(int64(900))}); len(got) != 1 {
		t.Errorf("with one for all taints %v", got)
	}
	dedicated := corev1.Toleration{Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule, TolerationSeconds: pointer(int64(0))}
	if got := tolerations(dedicated); got[lost] != 30 || got[gone] != 30 {
		t.Errorf("with one for taints that only keep new pods away %v", got)
	}
}

func autoscalerOf(t *testing.T, change func(*v1alpha1.AutoscalingSpec)) autoscalingv2.HorizontalPodAutoscalerSpec {
	t.Helper()
	p := made(t, lobby(func(c *v1alpha1.ChatCluster) {
		c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 3, MaxReplicas: 30}
		change(c.Spec.Autoscaling)
	}))
	return the[*autoscalingv2.HorizontalPodAutoscaler](t, p, "lobby-node").Spec
}

func TestAutoscalerFollowsTheContainersOfNodes(t *testing.T) {
	got := autoscalerOf(t, func(a *v1alpha1.AutoscalingSpec) { a.MemoryUtilization = pointer(int32(80)) })
	if *got.MinReplicas != 3 || got.MaxReplicas != 30 || len(got.Metrics) != 2 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct {
		name    corev1.ResourceName
		percent int32
	}{{corev1.ResourceCPU, 70}, {corev1.ResourceMemory, 80}} {
		m := got.Metrics[i].ContainerResource
		if m.Name != want.name || m.Container != NodeContainer || *m.Target.AverageUtilization != want.percent {
			t.Errorf("metric %d: %+v, want %+v", i, m, want)
		}
	}
	if cpu := autoscalerOf(t, func(*v1alpha1.AutoscalingSpec) {}).Metrics; len(cpu) != 1 {
		t.Errorf("without memoryUtilization %d metrics", len(cpu))
	}
}

func TestAutoscalerGrowsFastAndShrinksSlowly(t *testing.T) {
	up, down := autoscalerOf(t, func(*v1alpha1.AutoscalingSpec) {}).Behavior.ScaleUp, autoscalerOf(t, func(*v1alpha1.AutoscalingSpec) {}).Behavior.ScaleDown
	if up.Tolerance.String() != "50m" || len(up.Policies) != 2 || up.Policies[0].PeriodSeconds != 15 {
		t.Errorf("up %+v", up)
	}
	if *down.StabilizationWindowSeconds != 300 || down.Tolerance.String() != "150m" || down.Policies[0].Value != 1 || down.Policies[0].PeriodSeconds != 10 {
		t.Errorf("down %+v", down)
	}
	own := &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: pointer(int32(7))}
	got := autoscalerOf(t, func(a *v1alpha1.AutoscalingSpec) { a.ScaleDown = own }).Behavior
	// What Kubernetes itself would put in for policies lets all nodes go at once.
	if *got.ScaleDown.StabilizationWindowSeconds != 7 || len(got.ScaleDown.Policies) != 1 || got.ScaleDown.Tolerance.String() != "150m" || got.ScaleUp.Policies == nil {
		t.Errorf("with a window of the spec %+v", got)
	}
	half := []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PercentScalingPolicy, Value: 50, PeriodSeconds: 60}}
	least := autoscalingv2.MinChangePolicySelect
	own = &autoscalingv2.HPAScalingRules{Policies: half, SelectPolicy: &least, Tolerance: tolerance("0.5")}
	got = autoscalerOf(t, func(a *v1alpha1.AutoscalingSpec) { a.ScaleUp = own }).Behavior
	if !reflect.DeepEqual(got.ScaleUp, own) || got.ScaleDown.Policies == nil {
		t.Errorf("with rules of the spec %+v", got.ScaleUp)
	}
}
