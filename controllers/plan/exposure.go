package plan

import (
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// longLived are annotations that keep the nginx ingress controller from cutting connections that live for long, and from holding back
// what is streamed. Other controllers overlook them.
var longLived = map[string]string{
	"nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
	"nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
	"nginx.ingress.kubernetes.io/proxy-buffering":    "off",
}

// ingress leads clients of the host to the nodes. What the spec annotates wins.
func (r rendering) ingress() Object {
	e := r.c.Spec.Exposure
	prefix := networkingv1.PathTypePrefix
	i := &networkingv1.Ingress{
		TypeMeta: typeMeta("networking.k8s.io/v1", "Ingress"), ObjectMeta: meta(r.c, r.names.Clients, ComponentNode),
		Spec: networkingv1.IngressSpec{
			IngressClassName: e.Ingress.ClassName,
			Rules: []networkingv1.IngressRule{{
				Host: e.Host,
				IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
					Paths: []networkingv1.HTTPIngressPath{{
						Path: "/", PathType: &prefix,
						Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
							Name: r.names.Clients, Port: networkingv1.ServiceBackendPort{Name: r.clientServicePort().Name},
						}},
					}},
				}},
			}},
		},
	}
	own := merged(longLived)
	if e.TLSSecretName != "" {
		own["nginx.ingress.kubernetes.io/backend-protocol"] = "HTTPS"
	}
	i.Annotations = merged(own, e.Ingress.Annotations)
	if e.Ingress.TLSSecretName != "" {
		i.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{e.Host}, SecretName: e.Ingress.TLSSecretName}}
	}
	return i
}

// route leads clients of the host from Gateways to the nodes, without a limit of time.
func (r rendering) route() Object {
	parents := []any{}
	for _, ref := range r.c.Spec.Exposure.Gateway.ParentRefs {
		parent := map[string]any{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": ref.Name}
		if ref.Namespace != "" {
			parent["namespace"] = ref.Namespace
		}
		if ref.SectionName != "" {
			parent["sectionName"] = ref.SectionName
		}
		parents = append(parents, parent)
	}
	return unstructuredObject(r, "gateway.networking.k8s.io/v1", "HTTPRoute", r.names.Clients, ComponentNode, map[string]any{
		"parentRefs": parents,
		"hostnames":  []any{r.c.Spec.Exposure.Host},
		"rules": []any{map[string]any{
			"matches":  []any{map[string]any{"path": map[string]any{"type": "PathPrefix", "value": "/"}}},
			"timeouts": map[string]any{"request": "0s", "backendRequest": "0s"},
			"backendRefs": []any{map[string]any{
				"group": "", "kind": "Service", "name": r.names.Clients, "port": int64(r.clientServicePort().Port), "weight": int64(1),
			}},
		}},
	})
}

// Endpoints are the addresses that clients can use: from outside first, then from within the cluster.
func Endpoints(c *v1alpha1.ChatCluster) (all []string) {
	const path = "/connection/websocket"
	e := c.Spec.Exposure
	within := "ws"
	if e.TLSSecretName != "" {
		within = "wss"
	}
	switch {
	case e.Host == "":
	case e.Ingress != nil && e.Ingress.TLSSecretName != "":
		all = append(all, "wss://"+e.Host+path)
	case e.Ingress != nil || e.Gateway != nil:
		all = append(all, "ws://"+e.Host+path)
	default:
		all = append(all, within+"://"+e.Host+path)
	}
	return append(all, within+"://"+NamesOf(c).Clients+"."+c.Namespace+".svc"+path)
}
