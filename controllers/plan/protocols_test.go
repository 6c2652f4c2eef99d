package plan

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Where a protocol's clients come in: the Service's port leads to the one that the nodes listen on.
func TestClientsOfOtherSystemsReachTheNodes(t *testing.T) {
	p := made(t, lobby(speaking))
	node := p.deployment(t).Spec.Template.Spec.Containers[0]
	if !slices.Contains(node.Args, "--heimdallr-listen=:8000") || !slices.Contains(node.Args, "--heimdallr-app=games") {
		t.Errorf("arguments %q", node.Args)
	}
	ports := the[*corev1.Service](t, p, "lobby").Spec.Ports
	at := slices.IndexFunc(ports, func(p corev1.ServicePort) bool { return p.Name == "heimdallr" })
	if at < 0 || ports[at].Port != 8001 {
		t.Fatalf("the service has the ports %+v", ports)
	}
	if !slices.ContainsFunc(node.Ports, func(p corev1.ContainerPort) bool {
		return p.Name == ports[at].TargetPort.String() && p.ContainerPort == heimdallrPort
	}) {
		t.Errorf("port %s leads to none of %+v", ports[at].TargetPort.String(), node.Ports)
	}
}

func TestWithoutProtocolsNothingOfThemIsThere(t *testing.T) {
	for _, spec := range []*v1alpha1.ProtocolsSpec{nil, {}} {
		p := made(t, lobby(func(c *v1alpha1.ChatCluster) { c.Spec.Protocols = spec }))
		if ports := the[*corev1.Service](t, p, "lobby").Spec.Ports; len(ports) != 1 {
			t.Errorf("the service has the ports %+v", ports)
		}
		if ports := p.deployment(t).Spec.Template.Spec.Containers[0].Ports; len(ports) != 2 {
			t.Errorf("nodes have the ports %+v", ports)
		}
		if rules := the[*networkingv1.NetworkPolicy](t, p, "lobby-node").Spec.Ingress; len(rules) != 2 {
			t.Errorf("the policy has the rules %+v", rules)
		}
	}
}

// Who may reach a protocol's port is said by the protocol, else by the ChatCluster, else it is everybody.
func TestProtocolsSayWhoMayConnect(t *testing.T) {
	general := func(c *v1alpha1.ChatCluster) { c.Spec.NetworkPolicy.ClientNamespaces = selectorOfName("edge") }
	unlimited := func(c *v1alpha1.ChatCluster) { c.Spec.Protocols.Heimdallr.ClientNamespaces = nil }
	for name, test := range map[string]struct {
		change []func(*v1alpha1.ChatCluster)
		want   *metav1.LabelSelector
	}{
		"the protocol": {[]func(*v1alpha1.ChatCluster){speaking, general}, selectorOfName("games")},
		"all clients":  {[]func(*v1alpha1.ChatCluster){speaking, general, unlimited}, selectorOfName("edge")},
		"nobody":       {[]func(*v1alpha1.ChatCluster){speaking, unlimited}, nil},
	} {
		rules := the[*networkingv1.NetworkPolicy](t, made(t, lobby(test.change...)), "lobby-node").Spec.Ingress
		rule := rules[2] // behind those of the native clients and of the operator
		if clients := rules[4]; clients.Ports[0].Port.IntVal != pushPort || clients.From[0].NamespaceSelector.String() != selectorOfName("games").String() {
			t.Errorf("%s: clients of cHaTTP by %+v", name, clients)
		}
		var numbers []int32
		for _, p := range rule.Ports {
			numbers = append(numbers, p.Port.IntVal)
		}
		if !slices.Equal(numbers, []int32{heimdallrPort, heimdallrHealthPort, heimdallrAdminPort}) {
			t.Errorf("%s: ports %v", name, numbers)
		}
		var got *metav1.LabelSelector
		if len(rule.From) > 0 {
			got = rule.From[0].NamespaceSelector
		}
		if (got == nil) != (test.want == nil) || got != nil && got.String() != test.want.String() {
			t.Errorf("%s: from %v, want %v", name, got, test.want)
		}
	}
}

// CometQL has a port, a rule and a password of its own.
func TestBackendsOfCppCometReachTheNodes(t *testing.T) {
	p := made(t, lobby(speaking))
	node := p.deployment(t).Spec.Template.Spec.Containers[0]
	for _, want := range []string{
		"--comet-listen=:8087", "--comet-sql-listen=:3307", "--comet-app=shop", "--comet-password-file=/etc/chatfleet/comet/password",
	} {
		if !slices.Contains(node.Args, want) {
			t.Errorf("no argument %s among %q", want, node.Args)
		}
	}
	if !slices.ContainsFunc(node.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == cometDir && m.ReadOnly }) {
		t.Errorf("the password is not among %+v", node.VolumeMounts)
	}
	ports := the[*corev1.Service](t, p, "lobby").Spec.Ports
	if !slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return p.Port == 3306 && p.TargetPort.String() == "comet-sql" }) {
		t.Errorf("the service has the ports %+v", ports)
	}
	rules := the[*networkingv1.NetworkPolicy](t, p, "lobby-node").Spec.Ingress
	for i, want := range []*metav1.LabelSelector{selectorOfName("shop"), selectorOfName("backends")} {
		rule := rules[5+i]
		if got := rule.From[0].NamespaceSelector; got.String() != want.String() {
			t.Errorf("port %v is for %v, want %v", rule.Ports[0].Port, got, want)
		}
	}
}

// Both ports of chat21 are for the same clients, and the secret of its tokens is mounted.
func TestClientsOfChat21ReachTheNodes(t *testing.T) {
	p := made(t, lobby(speaking))
	node := p.deployment(t).Spec.Template.Spec.Containers[0]
	for _, want := range []string{"--mqtt-listen=:1883", "--mqtt-http-listen=:15675", "--mqtt-jwt-secret-file=/etc/chatfleet/mqtt/secret"} {
		if !slices.Contains(node.Args, want) {
			t.Errorf("no argument %s among %q", want, node.Args)
		}
	}
	if !slices.ContainsFunc(node.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == mqttDir && m.ReadOnly }) {
		t.Errorf("the secret is not among %+v", node.VolumeMounts)
	}
	ports := the[*corev1.Service](t, p, "lobby").Spec.Ports
	for number, name := range map[int32]string{1884: "mqtt", 8004: "mqtt-http"} {
		if !slices.ContainsFunc(ports, func(p corev1.ServicePort) bool { return p.Port == number && p.TargetPort.String() == name }) {
			t.Errorf("the service has the ports %+v", ports)
		}
	}
	rules := the[*networkingv1.NetworkPolicy](t, p, "lobby-node").Spec.Ingress
	for _, rule := range rules[len(rules)-2:] {
		if got := rule.From[0].NamespaceSelector; got.String() != selectorOfName("desk").String() {
			t.Errorf("port %v is for %v", rule.Ports[0].Port, got)
		}
	}
}
