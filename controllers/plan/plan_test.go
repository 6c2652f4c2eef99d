package plan

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func TestPlanHasWhatTheSpecAsksFor(t *testing.T) {
	backbone := []string{
		"ServiceAccount/lobby-nats", "ConfigMap/lobby-nats", "Service/lobby-nats-peers", "Service/lobby-nats", "StatefulSet/lobby-nats",
		"PodDisruptionBudget/lobby-nats", "NetworkPolicy/lobby-nats",
	}
	nodes := []string{
		"ServiceAccount/lobby-node", "Service/lobby-nodes", "Service/lobby", "Deployment/lobby-node", "PodDisruptionBudget/lobby-node",
		"NetworkPolicy/lobby-node",
	}
	monitoring := []string{"PodMonitor/lobby", "PrometheusRule/lobby", "ConfigMap/lobby-dashboard"}
	tests := []struct {
		name   string
		change func(*v1alpha1.ChatCluster)
		none   bool // of the optional APIs
		want   []string
	}{
		{"nothing", func(*v1alpha1.ChatCluster) {}, false, slices.Concat(backbone, nodes, monitoring)},
		{"nothing, without optional APIs", func(*v1alpha1.ChatCluster) {}, true, slices.Concat(backbone, nodes)},
		{"an external backbone", external, true, nodes},
		{"autoscaling", withScaling, true, slices.Concat(backbone, nodes, []string{"HorizontalPodAutoscaler/lobby-node"})},
		{"an ingress", withIngress, true, slices.Concat(backbone, nodes, []string{"Ingress/lobby"})},
		{"a gateway", withGateway, false, slices.Concat(backbone, nodes, []string{"HTTPRoute/lobby"}, monitoring)},
		{"a gateway, without its API", withGateway, true, slices.Concat(backbone, nodes)},
		{"limits of applications", withChat, true, slices.Concat(backbone, nodes[:1], []string{"ConfigMap/lobby-node"}, nodes[1:])},
		{
			"no policies", func(c *v1alpha1.ChatCluster) { c.Spec.NetworkPolicy.Enabled = pointer(false) }, true,
			slices.Concat(backbone[:6], nodes[:5]),
		},
		{
			"an issuer", withIssuer, false, slices.Concat([]string{
				"Certificate/lobby-nats-tls", "Certificate/lobby-system-tls", "Certificate/lobby-node-tls", "Certificate/lobby-operator-tls",
				"Certificate/lobby-metrics-tls",
			}, backbone, nodes, monitoring),
		},
		{
			"a dashboard alone", func(c *v1alpha1.ChatCluster) { c.Spec.Monitoring.Dashboard = v1alpha1.Enabled }, true,
			slices.Concat(backbone, nodes, monitoring[2:]),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			observed := allAPIs()
			if test.none {
				observed.APIs = APIs{}
			}
			p, err := Make(Inputs{Cluster: lobby(test.change), Observed: observed, Defaults: release()})
			if err != nil {
				t.Fatal(err)
			}
			if got := kinds(p); !slices.Equal(got, test.want) {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), strings.Join(test.want, " "))
			}
		})
	}
}

func TestPlanSaysWhichAPIsAreMissing(t *testing.T) {
	c := lobby(withGateway, withIssuer, func(c *v1alpha1.ChatCluster) {
		c.Spec.Monitoring = v1alpha1.MonitoringSpec{PodMonitor: v1alpha1.Enabled, Rules: v1alpha1.Enabled}
	})
	p, err := Make(Inputs{Cluster: c, Defaults: release()})
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"HTTPRoute", "Certificate", "PodMonitor", "PrometheusRule"} {
		if !slices.ContainsFunc(p.Missing, func(m string) bool { return strings.HasPrefix(m, kind+" ") }) {
			t.Errorf("%s is not among the missing: %v", kind, p.Missing)
		}
	}
	if p := made(t, c); p.Missing != nil {
		t.Errorf("missing although all is there: %v", p.Missing)
	}
}

func TestPlansOfEqualInputsAreEqualAndChangeNone(t *testing.T) {
	for name, change := range map[string]func(*v1alpha1.ChatCluster){"everything": everything, "external": external, "nothing": func(*v1alpha1.ChatCluster) {}} {
		t.Run(name, func(t *testing.T) {
			in := Inputs{Cluster: lobby(change), Observed: allAPIs(), Defaults: release()}
			in.Cluster.Status.Revision = &v1alpha1.Revision{Template: 1, BackboneTemplate: 1, Image: "old:1", BackboneImage: "old:2"}
			in.Observed.Claims = []Claim{{"data-lobby-nats-0", resource.MustParse("1Gi")}}
			before := in.Cluster.DeepCopy()
			first, err := json.Marshal(must(Make(in)))
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				again, err := json.Marshal(must(Make(in)))
				if err != nil || string(again) != string(first) {
					t.Fatalf("the second plan differs, %v", err)
				}
			}
			if !reflect.DeepEqual(before, in.Cluster) {
				t.Error("Make has changed the ChatCluster")
			}
		})
	}
}

// A child that is changed, as a client does that reads an answer into it, must not reach the ChatCluster, which others hold.
func TestChildrenShareNothingWithTheInput(t *testing.T) {
	c := lobby(servers(3), func(c *v1alpha1.ChatCluster) {
		c.Spec.Nodes.NodeSelector = map[string]string{"disk": "fast"}
		c.Spec.Exposure.Service.Annotations = map[string]string{"a": "b"}
	})
	before := c.DeepCopy()
	p := made(t, c)
	p.deployment(t).Spec.Template.Spec.NodeSelector["disk"] = "slow"
	p.deployment(t).Labels["a"] = "b"
	for _, o := range p.Objects {
		o.SetAnnotations(merged(o.GetAnnotations(), map[string]string{"changed": "yes"}))
	}
	if !reflect.DeepEqual(before, c) {
		t.Error("a change of a child reached the ChatCluster")
	}
}

func TestWhoSetsTheNumberOfNodes(t *testing.T) {
	live := pointer(int32(5))
	scaling := func(c *v1alpha1.ChatCluster) {
		c.Spec.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: 3, MaxReplicas: 9}
	}
	seven := func(c *v1alpha1.ChatCluster) { c.Spec.Nodes.Replicas = pointer(int32(7)) }
	none := func(*v1alpha1.ChatCluster) {}
	tests := []struct {
		name     string
		change   func(*v1alpha1.ChatCluster)
		observed Observed
		want     *int32
	}{
		{"the default", none, Observed{}, pointer(int32(2))},
		{"the default, where the API server wrote one", none, Observed{Replicas: pointer(int32(1))}, pointer(int32(2))},
		{"the spec, against a change by hand", seven, Observed{Replicas: live}, pointer(int32(7))},
		{"the spec", seven, Observed{}, pointer(int32(7))},
		{"the live number, when autoscaling ends", none, Observed{Replicas: live}, live},
		{"autoscaling's least, at first", scaling, Observed{}, pointer(int32(3))},
		{"autoscaling's last, when the Deployment is made again", func(c *v1alpha1.ChatCluster) { scaling(c); c.Status.Replicas = 6 }, Observed{}, pointer(int32(6))},
		{"autoscaling, over the live number", scaling, Observed{Replicas: live}, nil},
		{"autoscaling, which leaves zero alone", scaling, Observed{Replicas: pointer(int32(0))}, pointer(int32(3))},
		{"zero", func(c *v1alpha1.ChatCluster) { c.Spec.Nodes.Replicas = pointer(int32(0)) }, Observed{Replicas: live}, pointer(int32(0))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Make(Inputs{Cluster: lobby(test.change), Observed: test.observed, Defaults: release()})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(p.Replicas, test.want) {
				t.Errorf("got %s, want %s", show(p.Replicas), show(test.want))
			}
			if p.deployment(t).Spec.Replicas != nil {
				t.Error("the Deployment carries a number")
			}
		})
	}
}

func show(n *int32) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func TestHistoryMustFitTheVolumes(t *testing.T) {
	keep := func(bytes string, copies int32) func(*v1alpha1.ChatCluster) {
		return func(c *v1alpha1.ChatCluster) {
			servers(5)(c)
			c.Spec.History = v1alpha1.HistorySpec{MaxBytes: pointer(resource.MustParse(bytes)), Replicas: &copies}
		}
	}
	tests := map[string]struct {
		change func(*v1alpha1.ChatCluster)
		fits   bool
	}{
		"7Gi of 10Gi":                     {keep("7Gi", 5), true},
		"8Gi of 10Gi":                     {keep("8Gi", 5), false},
		"11Gi, three copies on 5 servers": {keep("11Gi", 3), true},
		"13Gi, three copies on 5 servers": {keep("13Gi", 3), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Make(Inputs{Cluster: lobby(test.change), Defaults: release()})
			switch {
			case test.fits && err != nil:
				t.Error(err)
			case !test.fits && (err == nil || !strings.HasPrefix(err.Error(), "spec.history.maxBytes is") || !strings.Contains(err.Error(), "Mi of messages")):
				t.Errorf("got %v, want an error that names spec.history.maxBytes and the room in MiB", err)
			}
		})
	}
}

func TestClaimsGrowToTheSizeOfTheSpec(t *testing.T) {
	in := Inputs{Cluster: lobby(servers(3)), Defaults: release(), Observed: Observed{Claims: []Claim{
		{"data-lobby-nats-0", resource.MustParse("5Gi")}, {"data-lobby-nats-1", resource.MustParse("10Gi")},
		{"data-lobby-nats-2", resource.MustParse("20Gi")},
	}}}
	p := must(Make(in))
	if len(p.Grow) != 1 || p.Grow[0].Name != "data-lobby-nats-0" || p.Grow[0].Size.String() != "10Gi" {
		t.Errorf("grow %+v, want the first claim, to 10Gi", p.Grow)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
