package plan

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// lobby is a ChatCluster in the namespace shop, changed by the given functions.
func lobby(change ...func(*v1alpha1.ChatCluster)) *v1alpha1.ChatCluster {
	c := &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Name: "lobby", Namespace: "shop", UID: "0123"}}
	for _, f := range change {
		f(c)
	}
	return c
}

// servers gives the ChatCluster a managed backbone of so many servers.
func servers(n int32) func(*v1alpha1.ChatCluster) {
	return func(c *v1alpha1.ChatCluster) { c.Spec.Backbone.Managed = &v1alpha1.ManagedBackbone{Replicas: n} }
}

// external gives the ChatCluster an external backbone.
func external(c *v1alpha1.ChatCluster) {
	c.Spec.Backbone.Type = v1alpha1.BackboneExternal
	c.Spec.Backbone.External = &v1alpha1.ExternalBackbone{
		URLs:                 []string{"tls://a.example:4222", "tls://b.example:4222"},
		CredentialsSecretRef: &v1alpha1.CredentialsReference{Name: "nats-user"},
		TLSSecretRef:         &v1alpha1.SecretReference{Name: "nats-ca"},
	}
}

// everything asks for all that a ChatCluster can have.
func everything(c *v1alpha1.ChatCluster) {
	s := &c.Spec
	s.Autoscaling = &v1alpha1.AutoscalingSpec{MaxReplicas: 9, MemoryUtilization: pointer(int32(80))}
	s.Auth.JWT = &v1alpha1.JWTSpec{SecretRef: &v1alpha1.JWTSecretReference{Name: "tokens"}, Issuer: "shop", Audience: "chat"}
	s.Exposure.Host = "chat.example"
	s.Exposure.Ingress = &v1alpha1.IngressSpec{TLSSecretName: "chat-example"}
	s.TLS.IssuerRef = &v1alpha1.IssuerReference{Name: "inner"}
}

// chatting asks for all that a ChatCluster can say of rooms, applications and programs of the user's.
func chatting(c *v1alpha1.ChatCluster) {
	s := &c.Spec
	s.Auth.ServerKeysSecretRef = &v1alpha1.ServerKeysReference{Name: "server-keys"}
	s.Rooms.Explicit = true
	s.Search.Size = resource.MustParse("64Mi")
	s.AppLimits = []v1alpha1.AppLimits{
		{App: "shop", Rooms: 1000, MembersPerRoom: 200, MessagesPerSecond: 50, Connections: 5000}, {App: "*", Connections: 100}, {App: `a "b"`},
	}
	s.Hooks = &v1alpha1.HooksSpec{
		SecretRef:  v1alpha1.HookSecretReference{Name: "hooks"},
		Webhook:    &v1alpha1.WebhookSpec{URL: "https://shop.example/told", Events: []v1alpha1.HookEvent{"message", "member"}},
		Moderation: &v1alpha1.ModerationSpec{URL: "http://moderation.shop.svc/", FailurePolicy: v1alpha1.FailureAccept},
	}
}

// speaking asks for all protocols of other systems.
func speaking(c *v1alpha1.ChatCluster) {
	c.Spec.Exposure.TLSSecretName = "chat-example"
	c.Spec.Protocols = &v1alpha1.ProtocolsSpec{
		Heimdallr: &v1alpha1.HeimdallrProtocol{
			ProtocolClients: v1alpha1.ProtocolClients{ClientNamespaces: selectorOfName("games")}, App: "games", Port: 8001, Admin: true,
		},
		Pull: &v1alpha1.PullProtocol{ProtocolClients: v1alpha1.ProtocolClients{ClientNamespaces: selectorOfName("old")}, App: "old", Port: 8082, Dialect: "b"},
		Push: &v1alpha1.PushProtocol{
			ProtocolClients: v1alpha1.ProtocolClients{ClientNamespaces: selectorOfName("games")}, App: "games", Port: 8002,
			Shape: v1alpha1.PushShapeHaskell, Closed: true, Concurrency: v1alpha1.PushConcurrencyLast, Interval: true,
		},
		Comet: &v1alpha1.CometProtocol{
			ProtocolClients: v1alpha1.ProtocolClients{ClientNamespaces: selectorOfName("shop")}, BackendNamespaces: selectorOfName("backends"),
			PasswordSecretRef: v1alpha1.CometSecretReference{Name: "comet"}, App: "shop", Port: 8087, SQLPort: 3306,
		},
		MQTT: &v1alpha1.MQTTProtocol{
			ProtocolClients: v1alpha1.ProtocolClients{TLS: true, ClientNamespaces: selectorOfName("desk")},
			SecretRef:       v1alpha1.MQTTSecretReference{Name: "chat21"}, Port: 1884, HTTPPort: 8004,
		},
	}
}

// allAPIs is an operator's view of a cluster that has every optional API.
func allAPIs() Observed {
	return Observed{
		APIs:              APIs{HTTPRoute: true, PodMonitor: true, PrometheusRule: true, Certificate: true},
		OperatorNamespace: "chatfleet-system",
	}
}

func release() Defaults {
	return Defaults{NodeImage: "chatfleet/chatnode:1.0.0", BackboneImage: "chatfleet/nats:2.15.2-1.0.0"}
}

// made is the plan for the ChatCluster on a cluster with every optional API.
func made(t testing.TB, c *v1alpha1.ChatCluster) Plan {
	t.Helper()
	p, err := Make(Inputs{Cluster: c, Observed: allAPIs(), Defaults: release()})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// the is the object of that kind and name in the plan.
func the[T Object](t testing.TB, p Plan, name string) T {
	t.Helper()
	for _, o := range p.Objects {
		if typed, ok := o.(T); ok && o.GetName() == name {
			return typed
		}
	}
	var none T
	t.Fatalf("the plan has no %T named %s", none, name)
	return none
}

// foreign is the object of that kind, whose Go type is somebody else's.
func foreign(t testing.TB, p Plan, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range p.Objects {
		if u, ok := o.(*unstructured.Unstructured); ok && u.GetKind() == kind && u.GetName() == name {
			return u
		}
	}
	t.Fatalf("the plan has no %s named %s", kind, name)
	return nil
}

// kinds lists the objects as kind/name, in order.
func kinds(p Plan) (all []string) {
	for _, o := range p.Objects {
		all = append(all, o.GetObjectKind().GroupVersionKind().Kind+"/"+o.GetName())
	}
	return all
}

func pointer[T any](v T) *T { return &v }
func (p Plan) deployment(t testing.TB) *appsv1.Deployment {
	t.Helper()
	return the[*appsv1.Deployment](t, p, "lobby-node")
}

func (p Plan) statefulSet(t testing.TB) *appsv1.StatefulSet {
	t.Helper()
	return the[*appsv1.StatefulSet](t, p, "lobby-nats")
}

func selectorOfName(namespace string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}}
}
