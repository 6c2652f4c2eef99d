package plan

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// nodePolicy lets clients in from wherever the spec allows, and the operator and other nodes to the admin port. Probes come from the
// pod's own host, which no policy keeps out.
func (r rendering) nodePolicy() Object {
	clients := clientRule(r.c.Spec.NetworkPolicy.ClientNamespaces, clientPort)
	admin := networkingv1.NetworkPolicyIngressRule{
		Ports: []networkingv1.NetworkPolicyPort{policyPort(nodeAdminPort)},
		From:  []networkingv1.NetworkPolicyPeer{r.operator(), {PodSelector: selectorOf(r.c, ComponentNode)}},
	}
	if wanted(r.c.Spec.Monitoring.PodMonitor, r.observed.APIs.PodMonitor) {
		// Nobody here knows where Prometheus runs. The port asks for a certificate before it tells anything.
		admin.From = []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}
	}
	return r.policy(r.names.Node, ComponentNode, append([]networkingv1.NetworkPolicyIngressRule{clients, admin}, r.protocolRules()...)...)
}

// clientRule lets clients to a port, from the namespaces of the selector or, if there is none, from everywhere.
func clientRule(from *metav1.LabelSelector, port int32) networkingv1.NetworkPolicyIngressRule {
	rule := networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{policyPort(port)}}
	if from != nil {
		rule.From = []networkingv1.NetworkPolicyPeer{{NamespaceSelector: from}}
	}
	return rule
}

// backbonePolicy lets the nodes and the operator to the NATS servers, and the servers to each other.
func (r rendering) backbonePolicy() Object {
	clients := networkingv1.NetworkPolicyIngressRule{
		Ports: []networkingv1.NetworkPolicyPort{policyPort(natsPort)},
		From:  []networkingv1.NetworkPolicyPeer{{PodSelector: selectorOf(r.c, ComponentNode)}, r.operator()},
	}
	routes := networkingv1.NetworkPolicyIngressRule{
		Ports: []networkingv1.NetworkPolicyPort{policyPort(routePort)},
		From:  []networkingv1.NetworkPolicyPeer{{PodSelector: selectorOf(r.c, ComponentBackbone)}},
	}
	return r.policy(r.names.Backbone, ComponentBackbone, clients, routes)
}

func (r rendering) policy(name, component string, rules ...networkingv1.NetworkPolicyIngressRule) Object {
	return &networkingv1.NetworkPolicy{
		TypeMeta: typeMeta("networking.k8s.io/v1", "NetworkPolicy"), ObjectMeta: meta(r.c, name, component),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: *selectorOf(r.c, component),
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress:     rules,
		},
	}
}

// operator is every pod in the operator's namespace.
func (r rendering) operator() networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{"kubernetes.io/metadata.name": r.observed.OperatorNamespace},
	}}
}

func policyPort(number int32) networkingv1.NetworkPolicyPort {
	tcp, port := corev1.ProtocolTCP, intstr.FromInt32(number)
	return networkingv1.NetworkPolicyPort{Protocol: &tcp, Port: &port}
}
