package plan

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// Certificate is one that a ChatCluster needs: the secret that holds it (tls.crt, tls.key, ca.crt), the names that it is for, and
// whether its holder listens, connects, or both.
type Certificate struct {
	Name           string
	DNSNames       []string
	Server, Client bool
}

// Certificates lists all that a ChatCluster needs. They are issued by the operator's own authority, or by cert-manager if the spec
// names an issuer of its.
func Certificates(c *v1alpha1.ChatCluster) []Certificate {
	n := NamesOf(c)
	node := append([]string{UserNode}, serviceNames(n.Clients, c.Namespace)...)
	node = append(node, serviceNames(n.Nodes, c.Namespace)...)
	all := []Certificate{
		{Name: n.NodeTLS, DNSNames: append(node, podNames(n.Nodes, c.Namespace)...), Server: true, Client: true},
		{Name: n.OperatorTLS, DNSNames: []string{UserOperator}, Client: true},
		{Name: n.MetricsTLS, DNSNames: []string{UserMetrics}, Client: true},
	}
	if !managed(c) {
		return all
	}
	servers := append(serviceNames(n.Backbone, c.Namespace), podNames(n.Peers, c.Namespace)...)
	return append([]Certificate{
		{Name: n.BackboneTLS, DNSNames: append(servers, "localhost"), Server: true, Client: true},
		{Name: n.SystemTLS, DNSNames: []string{UserSystem}, Client: true},
	}, all...)
}

// serviceNames are the names of a Service within a cluster.
func serviceNames(name, namespace string) []string {
	full := name + "." + namespace
	return []string{name, full, full + ".svc", full + ".svc.cluster.local"}
}

// podNames are the names of the pods behind a headless Service.
func podNames(name, namespace string) []string {
	full := "*." + name + "." + namespace + ".svc"
	return []string{full, full + ".cluster.local"}
}

// certManagerCertificates ask cert-manager for the certificates, if the spec wants that and cert-manager is there.
func certManagerCertificates(r rendering) (objects []Object) {
	issuer := r.c.Spec.TLS.IssuerRef
	if issuer == nil || !r.observed.APIs.Certificate {
		return nil
	}
	for _, certificate := range Certificates(r.c) {
		names, usages := []any{}, []any{"digital signature", "key encipherment"}
		for _, name := range certificate.DNSNames {
			names = append(names, name)
		}
		if certificate.Server {
			usages = append(usages, "server auth")
		}
		if certificate.Client {
			usages = append(usages, "client auth")
		}
		objects = append(objects, unstructuredObject(r, "cert-manager.io/v1", "Certificate", certificate.Name, ComponentNode, map[string]any{
			"secretName":  certificate.Name,
			"dnsNames":    names,
			"usages":      usages,
			"duration":    "8760h",
			"renewBefore": "2920h",
			"privateKey":  map[string]any{"algorithm": "ECDSA", "size": int64(256), "rotationPolicy": "Always"},
			"issuerRef":   map[string]any{"group": "cert-manager.io", "kind": issuer.Kind, "name": issuer.Name},
		}))
	}
	return objects
}

// unstructuredObject is a child whose Go type is somebody else's.
func unstructuredObject(r rendering, apiVersion, kind, name, component string, spec map[string]any) *unstructured.Unstructured {
	m := meta(r.c, name, component)
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetAPIVersion(apiVersion)
	u.SetKind(kind)
	u.SetNamespace(m.Namespace)
	u.SetName(m.Name)
	u.SetLabels(m.Labels)
	u.SetOwnerReferences(m.OwnerReferences)
	return u
}
