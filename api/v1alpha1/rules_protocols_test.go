package v1alpha1_test

var protocolRules = []ruleCase{
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
		name: "rooms of an application whose name is longer than it looks",
		bad:  `{protocols: {heimdallr: {app: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		good: `{protocols: {heimdallr: {app: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}}}`,
		want: `spec.protocols.heimdallr.app: Invalid value: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": must have at most 128 bytes of UTF-8`,
	},
	{
		name: "MQTT on the port of chatfleet's own clients",
		bad:  `{protocols: {mqtt: {secretRef: {name: a}, port: 80}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}, port: 81}}}`,
		want: `spec.protocols.mqtt.port: Invalid value: 80: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "two ports of chat21 that are one",
		bad:  `{protocols: {mqtt: {secretRef: {name: a}, httpPort: 1883}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}, httpPort: 1884}}}`,
		want: `spec.protocols.mqtt: Invalid value: port and httpPort must differ`,
	},
	{
		name: "chat21 on the port of chatfleet's own clients",
		bad:  `{protocols: {mqtt: {secretRef: {name: a}, httpPort: 443}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}, httpPort: 444}}}`,
		want: `spec.protocols.mqtt.httpPort: Invalid value: 443: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "clients of chat21 and heimdallr on one port",
		bad:  `{protocols: {heimdallr: {port: 1883}, mqtt: {secretRef: {name: a}}}}`,
		good: `{protocols: {heimdallr: {port: 1884}, mqtt: {secretRef: {name: a}}}}`,
		want: `spec.protocols: Invalid value: mqtt and heimdallr need different ports`,
	},
	{
		name: "chat21 without a secret",
		bad:  `{protocols: {mqtt: {}}}`,
		good: `{protocols: {mqtt: {secretRef: {name: a}}}}`,
		want: `spec.protocols.mqtt.secretRef: Required value`,
	},
}
