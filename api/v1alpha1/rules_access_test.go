package v1alpha1_test

var accessRules = []ruleCase{
	{
		name: "nobody's tokens",
		bad:  `{auth: {jwt: {issuer: me}}}`,
		good: `{auth: {jwt: {issuer: me, secretRef: {name: tokens}}}}`,
		want: `spec.auth.jwt: Invalid value: exactly one of secretRef and jwks is needed`,
	},
	{
		name: "two sources of keys",
		bad:  `{auth: {jwt: {secretRef: {name: tokens}, jwks: {url: "https://keys.example"}}}}`,
		good: `{auth: {jwt: {jwks: {url: "https://keys.example"}}}}`,
		want: `spec.auth.jwt: Invalid value: exactly one of secretRef and jwks is needed`,
	},
	{
		name: "keys from a file",
		bad:  `{auth: {jwt: {jwks: {url: "file:///keys"}}}}`,
		good: `{auth: {jwt: {jwks: {url: "http://keys.auth.svc"}}}}`,
		want: `spec.auth.jwt.jwks.url: Invalid value: "file:///keys": spec.auth.jwt.jwks.url in body should match '^https?://\S+$'`,
	},
	{
		name: "an origin that is two",
		bad:  `{auth: {origins: ["https://a.example,https://b.example"]}}`,
		good: `{auth: {origins: ["https://a.example", "https://*.b.example"]}}`,
		want: `spec.auth.origins[0]: Invalid value: "https://a.example,https://b.example": spec.auth.origins[0] in body should match '^[^,\s]+$'`,
	},
	{
		name: "ingress and gateway",
		bad:  `{exposure: {host: chat.example, ingress: {}, gateway: {parentRefs: [{name: web}]}}}`,
		good: `{exposure: {host: chat.example, gateway: {parentRefs: [{name: web, namespace: infra, sectionName: https}]}}}`,
		want: `spec.exposure.gateway: Forbidden: must not be set with ingress: clients come in by one of them`,
	},
	{
		name: "an ingress for no host",
		bad:  `{exposure: {ingress: {}}}`,
		good: `{exposure: {host: chat.example, ingress: {}}}`,
		want: `spec.exposure.host: Required value: must be given with ingress or gateway`,
	},
	{
		name: "a host with a port",
		bad:  `{exposure: {host: "chat.example:443"}}`,
		good: `{exposure: {host: localhost}}`,
		want: `spec.exposure.host: Invalid value: "chat.example:443": spec.exposure.host in body should match '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$'`,
	},
	{
		name: "a gateway without a parent",
		bad:  `{exposure: {host: chat.example, gateway: {parentRefs: []}}}`,
		good: `{exposure: {host: chat.example, gateway: {parentRefs: [{name: web}]}}}`,
		want: `spec.exposure.gateway.parentRefs: Invalid value: 0: spec.exposure.gateway.parentRefs in body should have at least 1 items`,
	},
	{
		name: "a kind of Service that doesn't exist",
		bad:  `{exposure: {service: {type: ExternalName}}}`,
		good: `{exposure: {service: {type: LoadBalancer}}}`,
		want: `spec.exposure.service.type: Unsupported value: "ExternalName": supported values: "ClusterIP", "NodePort", "LoadBalancer"`,
	},
	{
		name: "a switch between the positions",
		bad:  `{monitoring: {podMonitor: "true"}}`,
		good: `{monitoring: {podMonitor: Enabled, rules: Disabled}}`,
		want: `spec.monitoring.podMonitor: Unsupported value: "true": supported values: "Auto", "Enabled", "Disabled"`,
	},
	{
		name: "an issuer of another kind",
		bad:  `{tls: {issuerRef: {name: ours, kind: Vault}}}`,
		good: `{tls: {issuerRef: {name: ours, kind: ClusterIssuer}}}`,
		want: `spec.tls.issuerRef.kind: Unsupported value: "Vault": supported values: "Issuer", "ClusterIssuer"`,
	},
}
