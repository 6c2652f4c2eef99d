package v1alpha1_test

var specRules = []ruleCase{
	{
		name: "replicas beside autoscaling",
		bad:  `{nodes: {replicas: 3}, autoscaling: {maxReplicas: 5}}`,
		good: `{nodes: {}, autoscaling: {maxReplicas: 5}}`,
		want: `spec.nodes.replicas: Forbidden: must not be set with spec.autoscaling, which owns the number of nodes`,
	},
	{
		name: "more copies than servers",
		bad:  `{history: {replicas: 3}}`,
		good: `{history: {replicas: 3}, backbone: {managed: {replicas: 3}}}`,
		want: `spec.history.replicas: Invalid value: must not be greater than spec.backbone.managed.replicas: each copy is on a server of its own`,
	},
	{
		name: "more copies later, without servers for them",
		from: `{history: {replicas: 3}, backbone: {managed: {replicas: 3}}}`,
		bad:  `{history: {replicas: 5}, backbone: {managed: {replicas: 3}}}`,
		good: `{history: {replicas: 5}, backbone: {managed: {replicas: 5}}}`,
		want: `spec.history.replicas: Invalid value: must not be greater than spec.backbone.managed.replicas: each copy is on a server of its own`,
	},
	{
		name: "more history than the volumes hold",
		bad:  `{history: {maxBytes: 7.3Gi}}`,
		good: `{history: {maxBytes: 7Gi}}`,
		want: `spec.history.maxBytes: Invalid value: with all copies it must fit into 72 % of the volumes of spec.backbone.managed`,
	},
	{
		name: "more history than the volumes hold with all copies",
		bad:  `{history: {maxBytes: 8Gi}, backbone: {managed: {replicas: 3}}}`,
		good: `{history: {maxBytes: 21Gi, replicas: 1}, backbone: {managed: {replicas: 3}}}`,
		want: `spec.history.maxBytes: Invalid value: with all copies it must fit into 72 % of the volumes of spec.backbone.managed`,
	},
	{
		name: "a history too small to hold anything",
		bad:  `{history: {maxBytes: 67108863}}`,
		good: `{history: {maxBytes: 67108864}}`,
		want: `spec.history.maxBytes: Invalid value: must be at least 4Mi for each of spec.backbone.shards`,
	},
	{
		name: "messages that die at once",
		bad:  `{history: {maxAge: 30s}}`,
		good: `{history: {maxAge: 0s}}`,
		want: `spec.history.maxAge: Invalid value: "30s": must be a duration of at least 1m, such as 720h, or 0s for ever`,
	},
	{
		name: "days are no unit",
		bad:  `{history: {maxAge: 30d}}`,
		good: `{history: {maxAge: 1h30m}}`,
		want: `spec.history.maxAge: Invalid value: "30d": must be a duration of at least 1m, such as 720h, or 0s for ever`,
	},
	{
		name: "a drain that takes too long",
		bad:  `{drain: {period: 61m}}`,
		good: `{drain: {period: 1h}}`,
		want: `spec.drain.period: Invalid value: "61m": must be a duration between 0s and 1h, such as 90s or 2m`,
	},
	{
		name: "a history longer than a duration can say",
		bad:  `{history: {maxAge: 9999999h}}`,
		good: `{history: {maxAge: 720h0m0.5s}}`,
		want: `spec.history.maxAge: Invalid value: "9999999h": must be a duration of at least 1m, such as 720h, or 0s for ever`,
	},
	{
		name: "no duration",
		bad:  `{drain: {period: ""}}`,
		good: `{drain: {period: 1500ms}}`,
		want: `spec.drain.period: Invalid value: "": must be a duration between 0s and 1h, such as 90s or 2m`,
	},
	{
		name: "a drain back in time",
		bad:  `{drain: {period: -1s}}`,
		good: `{drain: {period: 0s}}`,
		want: `spec.drain.period: Invalid value: "-1s": must be a duration between 0s and 1h, such as 90s or 2m`,
	},
	{
		name: "a least number above the greatest",
		bad:  `{autoscaling: {minReplicas: 6, maxReplicas: 5}}`,
		good: `{autoscaling: {minReplicas: 5, maxReplicas: 5}}`,
		want: `spec.autoscaling.minReplicas: Invalid value: must not be greater than maxReplicas`,
	},
	{
		name: "a default least number above the greatest",
		bad:  `{autoscaling: {maxReplicas: 1}}`,
		good: `{autoscaling: {maxReplicas: 2}}`,
		want: `spec.autoscaling.maxReplicas: Invalid value: 1: spec.autoscaling.maxReplicas in body should be greater than or equal to 2
spec.autoscaling.minReplicas: Invalid value: must not be greater than maxReplicas`,
	},
	{
		name: "autoscaling without a limit",
		bad:  `{autoscaling: {}}`,
		good: `{autoscaling: {maxReplicas: 2}}`,
		want: `spec.autoscaling.maxReplicas: Required value`,
	},
	{
		name: "resource claims of nodes",
		bad:  `{nodes: {resources: {claims: [{name: gpu}]}}}`,
		good: `{nodes: {resources: {}}}`,
		want: `spec.nodes.resources.claims: Forbidden: is not supported`,
	},
	{
		name: "a variable twice",
		bad:  `{nodes: {env: [{name: A, value: x}, {name: A, value: "y"}]}}`,
		good: `{nodes: {env: [{name: A, value: x}, {name: B, value: "y"}]}}`,
		want: `spec.nodes.env[1]: Duplicate value: {"name":"A"}`,
	},
	{
		name: "a variable with a name that no shell takes",
		bad:  `{nodes: {env: [{name: A-B, value: x}]}}`,
		good: `{nodes: {env: [{name: A_B, value: ""}]}}`,
		want: `spec.nodes.env[0].name: Invalid value: "A-B": spec.nodes.env[0].name in body should match '^[A-Za-z_][A-Za-z0-9_]*$'`,
	},
	{
		name: "a word that operatorUpgrade doesn't know",
		bad:  `{operatorUpgrade: Never}`,
		good: `{operatorUpgrade: Immediately}`,
		want: `spec.operatorUpgrade: Unsupported value: "Never": supported values: "OnSpecChange", "Immediately"`,
	},
}
