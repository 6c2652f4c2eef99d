package v1alpha1_test

var chatRules = []ruleCase{
	{
		name: "programs without a secret",
		bad:  `{hooks: {webhook: {url: "https://shop.example"}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example"}}}`,
		want: `spec.hooks.secretRef: Required value`,
	},
	{
		name: "a secret without programs",
		bad:  `{hooks: {secretRef: {name: hooks}}}`,
		good: `{hooks: {secretRef: {name: hooks}, moderation: {url: "http://moderation.shop.svc:9000/ask?a=b@c"}}}`,
		want: `spec.hooks: Invalid value: webhook or moderation is needed: else there is nobody to tell or to ask`,
	},
	{
		name: "a webhook with a password in its address",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://me:secret@shop.example/"}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example/me:secret@"}}}`,
		want: `spec.hooks.webhook.url: Invalid value: "https://me:secret@shop.example/": must be an http or https URL without a user and a password: requests are signed`,
	},
	{
		name: "moderation that isn't a web address",
		bad:  `{hooks: {secretRef: {name: hooks}, moderation: {url: "moderation:9000"}}}`,
		good: `{hooks: {secretRef: {name: hooks}, moderation: {url: "http://moderation:9000"}}}`,
		want: `spec.hooks.moderation.url: Invalid value: "moderation:9000": must be an http or https URL without a user and a password: requests are signed`,
	},
	{
		name: "a port that is none",
		bad:  `{hooks: {secretRef: {name: hooks}, moderation: {url: "http://moderation:port/"}}}`,
		good: `{hooks: {secretRef: {name: hooks}, moderation: {url: "http://moderation:80/"}}}`,
		want: `spec.hooks.moderation.url: Invalid value: "http://moderation:port/": must be an http or https URL without a user and a password: requests are signed`,
	},
	{
		name: "an event that rooms don't have",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", events: [message, typing]}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", events: [message, room]}}}`,
		want: `spec.hooks.webhook.events[1]: Unsupported value: "typing": supported values: "message", "edit", "delete", "reaction", "member", "room"`,
	},
	{
		name: "a webhook that is told of nothing",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", events: []}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", events: [edit]}}}`,
		want: `spec.hooks.webhook.events: Invalid value: 0: spec.hooks.webhook.events in body should have at least 1 items`,
	},
	{
		name: "a webhook in the form of chat21 without its protocol",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", form: Chat21}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", form: Chat21}}, protocols: {mqtt: {secretRef: {name: a}}}}`,
		want: `spec.protocols.mqtt: Required value: must be given for a webhook in the form of chat21`,
	},
	{
		name: "a webhook in a form that nobody knows",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", form: XML}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", form: Chatfleet}}}`,
		want: `spec.hooks.webhook.form: Unsupported value: "XML": supported values: "Chatfleet", "Chat21"`,
	},
	{
		name: "a webhook that may take no time",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", timeout: 0s}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", timeout: 1m}}}`,
		want: `spec.hooks.webhook.timeout: Invalid value: "0s": must be a duration between 10ms and 1m, such as 5s`,
	},
	{
		name: "events that are tried for a year",
		bad:  `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", giveUp: 8760h}}}`,
		good: `{hooks: {secretRef: {name: hooks}, webhook: {url: "https://shop.example", giveUp: 168h}}}`,
		want: `spec.hooks.webhook.giveUp: Invalid value: "8760h": must be a duration between 1s and 168h, such as 1h`,
	},
	{
		name: "moderation that outlasts the clients' patience",
		bad:  `{hooks: {secretRef: {name: hooks}, moderation: {url: "https://shop.example", timeout: 5s}}}`,
		good: `{hooks: {secretRef: {name: hooks}, moderation: {url: "https://shop.example", timeout: 500ms}}}`,
		want: `spec.hooks.moderation.timeout: Invalid value: "5s": must be a duration between 10ms and 4s, such as 500ms: clients wait for it, and give up after 5s`,
	},
	{
		name: "a failure policy that isn't one",
		bad:  `{hooks: {secretRef: {name: hooks}, moderation: {url: "https://shop.example", failurePolicy: Ignore}}}`,
		good: `{hooks: {secretRef: {name: hooks}, moderation: {url: "https://shop.example", failurePolicy: Accept}}}`,
		want: `spec.hooks.moderation.failurePolicy: Unsupported value: "Ignore": supported values: "Refuse", "Accept"`,
	},
	{
		name: "an application twice",
		bad:  `{appLimits: [{app: shop, rooms: 5}, {app: shop, rooms: 6}]}`,
		good: `{appLimits: [{app: shop, rooms: 5}, {app: "*", rooms: 6}]}`,
		want: `spec.appLimits[1]: Duplicate value: {"app":"shop"}`,
	},
	{
		name: "an engine that there isn't",
		bad:  `{search: {engine: Bleve}}`,
		good: `{search: {engine: Disabled}}`,
		want: `spec.search.engine: Unsupported value: "Bleve": supported values: "Embedded", "Disabled"`,
	},
	{
		name: "an index too small to find anything",
		bad:  `{search: {size: 16777215}}`,
		good: `{search: {size: 16777216}}`,
		want: `spec.search.size: Invalid value: 16777215: must be at least 16Mi`,
	},
	{
		name: "limits below nothing",
		bad:  `{appLimits: [{app: shop, connections: -1}]}`,
		good: `{appLimits: [{app: shop, connections: 0}]}`,
		want: `spec.appLimits[0].connections: Invalid value: -1: spec.appLimits[0].connections in body should be greater than or equal to 0`,
	},
	{
		name: "an application's name that is longer than it looks",
		bad:  `{appLimits: [{app: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}]}`,
		good: `{appLimits: [{app: "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"}]}`,
		want: `spec.appLimits[0].app: Invalid value: "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé": must have at most 128 bytes of UTF-8`,
	},
}
