package v1alpha1_test

var protocolRules = []ruleCase{
	{
		name: "a protocol over TLS without a certificate",
		bad:  `{protocols: {heimdallr: {}, mqtt: {secretRef: {name: a}, tls: true}}}`,
		good: `{exposure: {tlsSecretName: cert}, protocols: {heimdallr: {}, mqtt: {secretRef: {name: a}, tls: true}}}`,
		want: `spec.exposure.tlsSecretName: Required value: must be given for protocols over TLS: it is their certificate, too`,
	},
	{
		name: "a protocol on the port of chatfleet's own clients",
		bad:  `{protocols: {heimdallr: {port: 80}}}`,
		good: `{protocols: {heimdallr: {port: 8080}}}`,
		want: `spec.protocols.heimdallr.port: Invalid value: 80: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "a port that is none for heimdallr",
		bad:  `{protocols: {heimdallr: {port: 65536}}}`,
		good: `{protocols: {heimdallr: {port: 65535}}}`,
		want: `spec.protocols.heimdallr.port: Invalid value: 65536: spec.protocols.heimdallr.port in body should be less than or equal to 65535`,
	},
	{
		name: "rooms of an application without a name",
		bad:  `{protocols: {heimdallr: {app: ""}}}`,
		good: `{protocols: {heimdallr: {app: games}}}`,
		want: `spec.protocols.heimdallr.app: Invalid value: "": spec.protocols.heimdallr.app in body should be at least 1 chars long`,
	},
	{
		name: "CometQL on the port of chatfleet's own clients",
		bad:  `{protocols: {comet: {passwordSecretRef: {name: a}, sqlPort: 443}}}`,
		good: `{protocols: {comet: {passwordSecretRef: {name: a}, sqlPort: 444}}}`,
		want: `spec.protocols.comet.sqlPort: Invalid value: 443: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "CppComet without a password",
		bad:  `{protocols: {comet: {}}}`,
		good: `{protocols: {comet: {passwordSecretRef: {name: a}}}}`,
		want: `spec.protocols.comet.passwordSecretRef: Required value`,
	},
	{
		name: "pipes of an application whose name is longer than it looks",
		bad:  `{protocols: {comet: {passwordSecretRef: {name: a}, app: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		good: `{protocols: {comet: {passwordSecretRef: {name: a}, app: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		want: `spec.protocols.comet.app: Invalid value: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": must have at most 128 bytes of UTF-8`,
	},
	{
		name: "browsers of CppComet on the port of chatfleet's own clients",
		bad:  `{protocols: {comet: {passwordSecretRef: {name: a}, port: 80}}}`,
		good: `{protocols: {comet: {passwordSecretRef: {name: a}, port: 81}}}`,
		want: `spec.protocols.comet.port: Invalid value: 80: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "rooms of an application whose name is longer than it looks",
		bad:  `{protocols: {heimdallr: {app: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		good: `{protocols: {heimdallr: {app: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		want: `spec.protocols.heimdallr.app: Invalid value: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": must have at most 128 bytes of UTF-8`,
	},
	{
		name: "two protocols on one port",
		bad:  `{protocols: {heimdallr: {port: 3307}, pull: {}, push: {}, comet: {passwordSecretRef: {name: a}}, mqtt: {secretRef: {name: a}}}}`,
		good: `{protocols: {heimdallr: {}, pull: {}, push: {}, comet: {passwordSecretRef: {name: a}}, mqtt: {secretRef: {name: a}}}}`,
		want: `spec.protocols: Invalid value: protocols must have different ports`,
	},
	{
		name: "a dialect that nobody speaks",
		bad:  `{protocols: {pull: {dialect: d}}}`,
		good: `{protocols: {pull: {dialect: b}}}`,
		want: `spec.protocols.pull.dialect: Unsupported value: "d": supported values: "default", "a", "b", "c"`,
	},
	{
		name: "chats of an application whose name is longer than it looks",
		bad:  `{protocols: {pull: {app: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		good: `{protocols: {pull: {app: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		want: `spec.protocols.pull.app: Invalid value: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": must have at most 128 bytes of UTF-8`,
	},
	{
		name: "pulls on the port of chatfleet's own clients",
		bad:  `{protocols: {pull: {port: 443}}}`,
		good: `{protocols: {pull: {port: 8080}}}`,
		want: `spec.protocols.pull.port: Invalid value: 443: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "clients of cHaTTP on the port of chatfleet's own clients",
		bad:  `{protocols: {push: {port: 443}}}`,
		good: `{protocols: {push: {port: 8443}}}`,
		want: `spec.protocols.push.port: Invalid value: 443: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "users of cHaTTP of an application whose name is too long",
		bad:  `{protocols: {push: {app: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		good: `{protocols: {push: {app: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		want: `spec.protocols.push.app: Invalid value: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": must have at most 128 bytes of UTF-8`,
	},
	{
		name: "MQTT on the port of chatfleet's own clients",
		bad:  `{protocols: {mqtt: {secretRef: {name: a}, port: 80}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}, port: 81}}}`,
		want: `spec.protocols.mqtt.port: Invalid value: 80: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "chat21 on the port of chatfleet's own clients",
		bad:  `{protocols: {mqtt: {secretRef: {name: a}, httpPort: 443}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}, httpPort: 444}}}`,
		want: `spec.protocols.mqtt.httpPort: Invalid value: 443: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "chat21 without a secret",
		bad:  `{protocols: {mqtt: {}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}}}}`,
		want: `spec.protocols.mqtt.secretRef: Required value`,
	},
}
