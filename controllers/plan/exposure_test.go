package plan

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

func TestIngressKeepsLongConnectionsUnlessTheSpecSaysOtherwise(t *testing.T) {
	const timeout, buffering = "nginx.ingress.kubernetes.io/proxy-read-timeout", "nginx.ingress.kubernetes.io/proxy-buffering"
	i := the[*networkingv1.Ingress](t, made(t, lobby(withIngress, func(c *v1alpha1.ChatCluster) {
		c.Spec.Exposure.Ingress = &v1alpha1.IngressSpec{
			ClassName: pointer("nginx"), TLSSecretName: "chat-example", Annotations: map[string]string{timeout: "60", "team": "shop"},
		}
	})), "lobby")
	if i.Annotations[timeout] != "60" || i.Annotations[buffering] != "off" || i.Annotations["team"] != "shop" {
		t.Errorf("annotations %v", i.Annotations)
	}
	if *i.Spec.IngressClassName != "nginx" || i.Spec.Rules[0].Host != "chat.example" || i.Spec.TLS[0].SecretName != "chat-example" {
		t.Errorf("%+v", i.Spec)
	}
	if plain := the[*networkingv1.Ingress](t, made(t, lobby(withIngress)), "lobby"); plain.Spec.TLS != nil || plain.Annotations[timeout] != "3600" {
		t.Errorf("by default %+v, %v", plain.Spec.TLS, plain.Annotations)
	}
}

func TestNodesThatServeTLSAreReachedByIt(t *testing.T) {
	p := made(t, lobby(withIngress, func(c *v1alpha1.ChatCluster) { c.Spec.Exposure.TLSSecretName = "own" }))
	if port := the[*corev1.Service](t, p, "lobby").Spec.Ports[0]; port.Port != 443 || port.Name != "https" {
		t.Errorf("service port %+v", port)
	}
	i := the[*networkingv1.Ingress](t, p, "lobby")
	if i.Annotations["nginx.ingress.kubernetes.io/backend-protocol"] != "HTTPS" {
		t.Errorf("annotations %v", i.Annotations)
	}
	if port := the[*corev1.Service](t, made(t, lobby()), "lobby").Spec.Ports[0]; port.Port != 80 || port.Name != "http" {
		t.Errorf("without TLS: service port %+v", port)
	}
}

func TestRouteLeadsFromItsGatewaysWithoutATimeLimit(t *testing.T) {
	route := foreign(t, made(t, lobby(withGateway, func(c *v1alpha1.ChatCluster) {
		c.Spec.Exposure.Gateway.ParentRefs = []v1alpha1.GatewayReference{{Name: "edge", Namespace: "infra", SectionName: "https"}, {Name: "inner"}}
	})), "HTTPRoute", "lobby")
	parents, _, _ := unstructured.NestedSlice(route.Object, "spec", "parentRefs")
	raw, _ := json.Marshal(parents)
	want := `[{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"edge","namespace":"infra","sectionName":"https"},` +
		`{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"inner"}]`
	if string(raw) != want {
		t.Errorf("parents %s", raw)
	}
	rules, _, _ := unstructured.NestedSlice(route.Object, "spec", "rules")
	timeouts, _, _ := unstructured.NestedStringMap(rules[0].(map[string]any), "timeouts")
	if timeouts["request"] != "0s" {
		t.Errorf("timeouts %v", timeouts)
	}
}

func TestEndpointsAreWhatClientsCanUse(t *testing.T) {
	const inside, path = "ws://lobby.shop.svc/connection/websocket", "://chat.example/connection/websocket"
	tests := map[string]struct {
		change []func(*v1alpha1.ChatCluster)
		want   []string
	}{
		"nothing":      {nil, []string{inside}},
		"an ingress":   {[]func(*v1alpha1.ChatCluster){withIngress}, []string{"ws" + path, inside}},
		"with TLS":     {[]func(*v1alpha1.ChatCluster){everything}, []string{"wss" + path, inside}},
		"a gateway":    {[]func(*v1alpha1.ChatCluster){withGateway}, []string{"ws" + path, inside}},
		"TLS of nodes": {[]func(*v1alpha1.ChatCluster){ownTLS}, []string{"wss" + path, "wss" + inside[2:]}},
	}
	for name, test := range tests {
		if got := Endpoints(lobby(test.change...)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func ownTLS(c *v1alpha1.ChatCluster) {
	c.Spec.Exposure.Host, c.Spec.Exposure.TLSSecretName = "chat.example", "own"
}

func TestCertificatesNameWhoUsesThem(t *testing.T) {
	byName := map[string]Certificate{}
	for _, certificate := range Certificates(lobby(servers(3))) {
		byName[certificate.Name] = certificate
	}
	want := map[string]struct {
		names          []string
		server, client bool
	}{
		"lobby-nats-tls":     {[]string{"lobby-nats.shop.svc", "*.lobby-nats-peers.shop.svc", "*.lobby-nats-peers.shop.svc.cluster.local", "localhost"}, true, true},
		"lobby-node-tls":     {[]string{UserNode, "lobby.shop.svc", "lobby-nodes.shop.svc", "*.lobby-nodes.shop.svc"}, true, true},
		"lobby-operator-tls": {[]string{UserOperator}, false, true},
		"lobby-system-tls":   {[]string{UserSystem}, false, true},
		"lobby-metrics-tls":  {[]string{UserMetrics}, false, true},
	}
	if len(byName) != len(want) {
		t.Errorf("%d certificates, want %d", len(byName), len(want))
	}
	users := []string{UserNode, UserOperator, UserSystem, UserMetrics}
	for secret, w := range want {
		got := byName[secret]
		if got.Server != w.server || got.Client != w.client {
			t.Errorf("%s is for servers %v, clients %v", secret, got.Server, got.Client)
		}
		for _, name := range w.names {
			if !slices.Contains(got.DNSNames, name) {
				t.Errorf("%s lacks %s: %v", secret, name, got.DNSNames)
			}
		}
		for _, user := range users {
			if slices.Contains(got.DNSNames, user) != slices.Contains(w.names, user) {
				t.Errorf("%s makes its holder %s: %v", secret, user, got.DNSNames)
			}
		}
	}
	for _, certificate := range Certificates(lobby(external)) {
		if strings.Contains(certificate.Name, "nats") || strings.Contains(certificate.Name, "system") {
			t.Errorf("an external backbone needs no %s", certificate.Name)
		}
	}
}

func TestCertManagerIsAskedForEveryCertificate(t *testing.T) {
	c := lobby(servers(3), withIssuer)
	p := made(t, c)
	for _, certificate := range Certificates(c) {
		u := foreign(t, p, "Certificate", certificate.Name)
		secret, _, _ := unstructured.NestedString(u.Object, "spec", "secretName")
		names, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "dnsNames")
		issuer, _, _ := unstructured.NestedString(u.Object, "spec", "issuerRef", "name")
		usages, _, _ := unstructured.NestedStringSlice(u.Object, "spec", "usages")
		if secret != certificate.Name || !slices.Equal(names, certificate.DNSNames) || issuer != "inner" {
			t.Errorf("%s: secret %s for %v by %s", certificate.Name, secret, names, issuer)
		}
		if slices.Contains(usages, "server auth") != certificate.Server || slices.Contains(usages, "client auth") != certificate.Client {
			t.Errorf("%s: usages %v", certificate.Name, usages)
		}
	}
}
