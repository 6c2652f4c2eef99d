package plan

import "github.com/chatfleet/chatfleet/api/v1alpha1"

// wanted says whether something optional is made.
func wanted(s v1alpha1.Switch, available bool) bool { return s != v1alpha1.Disabled && available }

// missing names what the spec asks for but whose API the cluster lacks.
func missing(c *v1alpha1.ChatCluster, apis APIs) (names []string) {
	lacks := func(asked, available bool, name string) {
		if asked && !available {
			names = append(names, name)
		}
	}
	m := c.Spec.Monitoring
	lacks(c.Spec.Exposure.Gateway != nil, apis.HTTPRoute, "HTTPRoute (gateway.networking.k8s.io/v1) for spec.exposure.gateway")
	lacks(c.Spec.TLS.IssuerRef != nil, apis.Certificate, "Certificate (cert-manager.io/v1) for spec.tls.issuerRef")
	lacks(m.PodMonitor == v1alpha1.Enabled, apis.PodMonitor, "PodMonitor (monitoring.coreos.com/v1) for spec.monitoring.podMonitor")
	lacks(m.Rules == v1alpha1.Enabled, apis.PrometheusRule, "PrometheusRule (monitoring.coreos.com/v1) for spec.monitoring.rules")
	return names
}

// monitoring gives what Prometheus and Grafana need.
func (r rendering) monitoring() (objects []Object, err error) {
	m, apis := r.c.Spec.Monitoring, r.observed.APIs
	if wanted(m.PodMonitor, apis.PodMonitor) {
		objects = append(objects, r.podMonitor())
	}
	if wanted(m.Rules, apis.PrometheusRule) {
		objects = append(objects, r.rules())
	}
	if m.Dashboard == v1alpha1.Enabled || wanted(m.Dashboard, apis.PodMonitor) {
		dashboard, err := r.dashboard()
		if err != nil {
			return nil, err
		}
		objects = append(objects, dashboard)
	}
	return objects, nil
}

// podMonitor has Prometheus scrape the admin ports with a certificate, by which it is known there.
func (r rendering) podMonitor() Object {
	secret := func(key string) map[string]any { return map[string]any{"name": r.names.MetricsTLS, "key": key} }
	labels := map[string]any{}
	for name, value := range Selector(r.c, ComponentNode) {
		labels[name] = value
	}
	return unstructuredObject(r, "monitoring.coreos.com/v1", "PodMonitor", r.names.Base, ComponentNode, map[string]any{
		"selector": map[string]any{"matchLabels": labels},
		"podMetricsEndpoints": []any{map[string]any{
			"port": adminPortName, "path": "/metrics", "scheme": "https",
			"tlsConfig": map[string]any{
				"serverName": UserNode,
				"ca":         map[string]any{"secret": secret("ca.crt")},
				"cert":       map[string]any{"secret": secret("tls.crt")},
				"keySecret":  secret("tls.key"),
			},
		}},
	})
}
