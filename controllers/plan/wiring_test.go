package plan

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/test/process"
)

// selects says which of the pods a selector finds.
func selects(t testing.TB, selector labels.Selector, all map[string]corev1.PodTemplateSpec) []string {
	t.Helper()
	var found []string
	for kind, pod := range all {
		if selector.Matches(labels.Set(pod.Labels)) {
			found = append(found, kind)
		}
	}
	return found
}

// Every selector finds the pods that it is meant for, and only those, whatever labels the spec adds.
func TestSelectorsFindTheirPods(t *testing.T) {
	p := made(t, lobby(servers(3), everything, func(c *v1alpha1.ChatCluster) {
		for _, placed := range []*v1alpha1.PodPlacement{&c.Spec.Nodes.PodPlacement, &c.Spec.Backbone.Managed.PodPlacement} {
			placed.PodLabels = map[string]string{LabelComponent: "mine", LabelCluster: "mine", "team": "shop"}
		}
	}))
	other := pods(t, made(t, lobby(servers(3), named("lounge"))).renamed())
	all := pods(t, p)
	checked := 0
	for _, o := range p.Objects {
		var selector *metav1.LabelSelector
		switch o := o.(type) {
		case *corev1.Service:
			selector = &metav1.LabelSelector{MatchLabels: o.Spec.Selector}
		case *appsv1.Deployment:
			selector = o.Spec.Selector
		case *appsv1.StatefulSet:
			selector = o.Spec.Selector
		case *policyv1.PodDisruptionBudget:
			selector = o.Spec.Selector
		case *networkingv1.NetworkPolicy:
			selector = &o.Spec.PodSelector
		default:
			continue
		}
		checked++
		s, err := metav1.LabelSelectorAsSelector(selector)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := selects(t, s, all), []string{o.GetLabels()[LabelComponent]}; !slices.Equal(got, want) {
			t.Errorf("%T %s finds %v, want %v", o, o.GetName(), got, want)
		}
		if got := selects(t, s, other); got != nil {
			t.Errorf("%T %s finds pods of another ChatCluster: %v", o, o.GetName(), got)
		}
	}
	if checked != 10 {
		t.Errorf("checked %d selectors, want 10", checked)
	}
}

// renamed gives the plan's workloads the names that the helpers of this package look for.
func (p Plan) renamed() Plan {
	for _, o := range p.Objects {
		o.SetName(strings.Replace(o.GetName(), "lounge", "lobby", 1))
	}
	return p
}

// Ports by name lead to ports that containers have.
func TestPortsLeadSomewhere(t *testing.T) {
	p := made(t, lobby(servers(3), everything, speaking))
	for _, o := range p.Objects {
		service, ok := o.(*corev1.Service)
		if !ok {
			continue
		}
		pod := pods(t, p)[service.Labels[LabelComponent]]
		for _, port := range service.Spec.Ports {
			if !slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(c corev1.ContainerPort) bool { return c.Name == port.TargetPort.String() }) {
				t.Errorf("service %s leads to port %s, which pods lack", service.Name, port.TargetPort.String())
			}
		}
	}
	for kind, pod := range pods(t, p) {
		c := pod.Spec.Containers[0]
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if !slices.ContainsFunc(c.Ports, func(c corev1.ContainerPort) bool { return c.Name == probe.HTTPGet.Port.String() }) {
				t.Errorf("%s is probed on port %s, which it lacks", kind, probe.HTTPGet.Port.String())
			}
		}
		for _, m := range c.VolumeMounts {
			known := slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
			if !known && !(kind == "backbone" && m.Name == ClaimTemplate) {
				t.Errorf("%s mounts %s, which it lacks", kind, m.Name)
			}
		}
	}
	target := the[*autoscalingv2.HorizontalPodAutoscaler](t, p, "lobby-node").Spec.ScaleTargetRef
	if target.Name != p.deployment(t).Name || target.Kind != "Deployment" {
		t.Errorf("autoscaling of %+v", target)
	}
	if got := p.statefulSet(t).Spec.ServiceName; the[*corev1.Service](t, p, got).Spec.ClusterIP != corev1.ClusterIPNone {
		t.Errorf("the servers' names are in service %s, which is not headless", got)
	}
	ingress := the[*networkingv1.Ingress](t, p, "lobby").Spec.Rules[0].HTTP.Paths[0].Backend.Service
	if service := the[*corev1.Service](t, p, ingress.Name); service.Spec.Ports[0].Name != ingress.Port.Name {
		t.Errorf("the ingress leads to %+v, the service has %+v", ingress, service.Spec.Ports)
	}
}

// A chat node understands every argument that any spec gives it.
func TestChatNodesTakeTheirArguments(t *testing.T) {
	program := process.BuildChatnode(t, false)
	auth := func(c *v1alpha1.ChatCluster) {
		c.Spec.Auth.Anonymous = true
		c.Spec.Auth.OpenChannels = []string{"news*", "a"}
		c.Spec.Auth.Origins = []string{"https://*.shop.example"}
		c.Spec.Exposure.TLSSecretName = "own"
	}
	jwks := func(c *v1alpha1.ChatCluster) {
		c.Spec.Auth.JWT = &v1alpha1.JWTSpec{JWKS: &v1alpha1.JWKSSpec{URL: "https://keys.example"}}
	}
	for name, change := range map[string][]func(*v1alpha1.ChatCluster){
		"managed": {servers(3), everything}, "chat": {servers(3), everything, chatting}, "protocols": {servers(1), speaking}, "one server": {servers(1), auth}, "external": {external, jwks},
	} {
		t.Run(name, func(t *testing.T) {
			observed := allAPIs()
			observed.ClientCertificate = true
			p := must(Make(Inputs{Cluster: lobby(change...), Observed: observed, Defaults: release()}))
			c := p.deployment(t).Spec.Template.Spec.Containers[0]
			command := exec.CommandContext(t.Context(), program, append(c.Args, "--version")...)
			for _, e := range c.Env {
				command.Env = append(command.Env, e.Name+"="+e.Value)
			}
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v: %s\n%s", err, out, strings.Join(c.Args, " "))
			}
		})
	}
}

func TestEnvironmentOfNodes(t *testing.T) {
	env := func(change ...func(*v1alpha1.ChatCluster)) map[string]string {
		all := map[string]string{}
		for _, e := range made(t, lobby(change...)).deployment(t).Spec.Template.Spec.Containers[0].Env {
			if _, twice := all[e.Name]; twice {
				t.Errorf("%s is there twice", e.Name)
			}
			all[e.Name] = e.Value
		}
		return all
	}
	given := func(name, value string) func(*v1alpha1.ChatCluster) {
		return func(c *v1alpha1.ChatCluster) {
			c.Spec.Nodes.Env = append(c.Spec.Nodes.Env, v1alpha1.EnvVar{Name: name, Value: value})
		}
	}
	if got := env(); got["GOMEMLIMIT"] != "429496720" || slices.Contains(slices.Collect(maps.Keys(got)), "CHATNODE_TRUSTED_PROXIES") {
		t.Errorf("by default %v", got)
	}
	if got := env(withIngress)["CHATNODE_TRUSTED_PROXIES"]; got != privateNetworks {
		t.Errorf("behind an ingress the trusted proxies are %q", got)
	}
	own := env(withIngress, given("CHATNODE_TRUSTED_PROXIES", "10.1.0.0/16"), given("GOMEMLIMIT", "1GiB"), given("POD_NAME", "x"), given("A", "$(POD_NAME)"))
	if own["CHATNODE_TRUSTED_PROXIES"] != "10.1.0.0/16" || own["GOMEMLIMIT"] != "1GiB" || own["POD_NAME"] != "" || own["A"] != "$$(POD_NAME)" {
		t.Errorf("with variables of the spec %v", own)
	}
}
