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
		name: "two ports of CppComet that are one",
		bad:  `{protocols: {comet: {passwordSecretRef: {name: a}, port: 3307}}}`,
		good: `{protocols: {comet: {passwordSecretRef: {name: a}, port: 3306}}}`,
		want: `spec.protocols.comet: Invalid value: port and sqlPort must differ`,
	},
	{
		name: "CometQL on the port of chatfleet's own clients",
		bad:  `{protocols: {comet: {passwordSecretRef: {name: a}, sqlPort: 443}}}`,
		good: `{protocols: {comet: {passwordSecretRef: {name: a}, sqlPort: 444}}}`,
		want: `spec.protocols.comet.sqlPort: Invalid value: 443: must not be 80 or 443, where chatfleet's own clients come in`,
	},
	{
		name: "clients of two systems on one port",
		bad:  `{protocols: {heimdallr: {port: 8087}, comet: {passwordSecretRef: {name: a}}}}`,
		good: `{protocols: {heimdallr: {port: 8088}, comet: {passwordSecretRef: {name: a}}}}`,
		want: `spec.protocols: Invalid value: comet and heimdallr need different ports`,
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
}
