package plan

import (
	"fmt"
	"strings"
)

// alert is one that somebody should look at.
type alert struct {
	name, expression, wait, severity, summary, description string
}

// alerts are what metrics can tell of every ChatCluster. $nodes stands for the labels that select the nodes of one ChatCluster, $operator
// for those that select what its operator says of it.
var alerts = []alert{
	{
		"ChatfleetNodesDown", `count(up{$nodes} == 0) > 0`, "5m", "warning",
		"A chat node can't be scraped.",
		"Prometheus has not reached {{ $value }} chat nodes for five minutes. Look at their pods and logs; if they serve clients, look " +
			"at the secret of the metrics certificate.",
	},
	{
		"ChatfleetNoNodes", `absent(up{$nodes} == 1)`, "2m", "critical",
		"No chat node is up.",
		"No client can connect. `kubectl describe` of the ChatCluster says why no node is ready.",
	},
	{
		"ChatfleetSendsSlow",
		`histogram_quantile(0.99, sum by (le) (rate(chatnode_log_append_seconds_bucket{$nodes}[5m]))) > 1`, "10m", "warning",
		"Messages take longer than a second to be stored.",
		"The 99th percentile of the time until NATS has stored a message is {{ $value | humanizeDuration }}. Look at the volumes of the " +
			"NATS servers (Strict durability waits for each sync), and at their CPU.",
	},
	{
		"ChatfleetSendsRetried", `sum(rate(chatnode_log_append_retries_total{$nodes}[5m])) > 1`, "10m", "warning",
		"NATS does not answer to messages in time.",
		"Messages are sent again {{ $value | humanize }} times a second. Usually a stream has no leader: look at BackboneReady of the " +
			"ChatCluster and at the pods of the NATS servers.",
	},
	{
		"ChatfleetShardsWithoutOwner", `sum(rate(chatnode_log_claim_errors_total{$nodes}[5m])) > 0.5`, "5m", "warning",
		"Chat nodes can't take over shards of the log.",
		"Rooms of these shards get no live messages. The lease bucket does not take writes: look at BackboneReady of the ChatCluster.",
	},
	{
		"ChatfleetPositionsVoid", `sum(increase(chatnode_log_resets_total{$nodes}[10m])) > 0`, "0m", "warning",
		"Clients had to read their rooms anew.",
		"The log was cut short, or stands on one server that has restarted. Clients were told so and read history; with three servers " +
			"and Strict durability this doesn't happen.",
	},
	{
		"ChatfleetLiveMessagesLost", `sum(rate(chatnode_log_holes_total{$nodes}[5m])) > 1`, "10m", "info",
		"Live messages get lost between the nodes, and are repaired from the log.",
		"Clients get them later. The network drops packets, or nodes have too little CPU (see chatnode_log_late_beacons_total).",
	},
	{
		"ChatfleetNodeStarved", `sum by (pod) (rate(chatnode_log_late_beacons_total{$nodes}[5m])) > 0.1`, "10m", "warning",
		"Chat node {{ $labels.pod }} gets too little CPU.",
		"Its signs of life are late, so that it gives up its shards. Give it more CPU, or lower spec.autoscaling.cpuUtilization.",
	},
	{
		"ChatfleetClientsRefused", `sum(rate(chatnode_conn_refused_total{$nodes,reason!~"origin|handshake"}[5m])) > 1`, "5m", "warning",
		"Chat nodes refuse connections.",
		"{{ $value | humanize }} clients a second are refused. Nodes are at a limit, or drain while no others are ready: add nodes.",
	},
	{
		"ChatfleetCertificateEnds", `chatfleet_certificate_expiry_timestamp_seconds{$operator} - time() < 14 * 86400`, "1h", "critical",
		"A certificate between the nodes, NATS and the operator ends within two weeks.",
		"The operator should have renewed it months ago, without a restart. See whether the operator runs, and what it says in its log; " +
			"deleting the secret of the certificate has it made anew.",
	},
	{
		"ChatfleetDeadLetters", `sum(increase(chatnode_webhook_letters_total{$nodes}[15m])) > 0`, "0m", "warning",
		"The webhook did not take events, which became dead letters.",
		"{{ $value | humanize }} events in 15 minutes were refused, or not taken within spec.hooks.webhook.giveUp. DeadLetters of the chat service lists them " +
			"with what the webhook answered, and tries them again.",
	},
	{
		"ChatfleetWebhookBehind", `max(chatnode_webhook_oldest_waiting_seconds{$nodes}) > 300`, "5m", "warning",
		"The webhook is behind what happens in rooms.",
		"The oldest event that waits was stored {{ $value | humanizeDuration }} ago. The program at spec.hooks.webhook.url is down, slow, or refuses " +
			"one room's event: chatnode_webhook_deliveries_total tells by result. Events wait in the log until spec.hooks.webhook.giveUp.",
	},
	{
		"ChatfleetModerationFails", `sum(rate(chatnode_moderation_checks_total{$nodes,verdict="failed"}[5m])) > 0.1`, "5m", "warning",
		"Moderation gives no verdicts.",
		"{{ $value | humanize }} questions a second are not answered within spec.hooks.moderation.timeout, or not as they should be. Until they are, " +
			"spec.hooks.moderation.failurePolicy decides about these messages.",
	},
	{
		"ChatfleetSearchBehind", `sum(chatnode_search_lag_messages{$nodes}) > 10000`, "30m", "info",
		"Search does not find the newest messages.",
		"{{ $value | humanize }} stored messages are not in the nodes' indexes yet. After a restart of nodes that passes by itself; if it doesn't, nodes " +
			"have too little CPU, or their disks are slow.",
	},
	{
		"ChatfleetIndexNotSaved", `sum(rate(chatnode_log_checkpoint_errors_total{$nodes}[10m])) > 0`, "30m", "warning",
		"The index of the log can't be saved.",
		"Nodes keep it in memory and read the log again after a restart. Its bucket is full or has no leader: look at BackboneReady of " +
			"the ChatCluster and enlarge spec.backbone.managed.storage.size.",
	},
}

// rules are the alerts as Prometheus' operator takes them.
func (r rendering) rules() Object {
	labels := strings.NewReplacer("$nodes", r.metricLabels(), "$operator", fmt.Sprintf("chatcluster_namespace=%q,chatcluster=%q", r.c.Namespace, r.c.Name))
	var rules []any
	for _, a := range r.alerts() {
		rules = append(rules, map[string]any{
			"alert":  a.name,
			"expr":   labels.Replace(a.expression),
			"for":    a.wait,
			"labels": map[string]any{"severity": a.severity, "chatcluster": r.c.Name},
			"annotations": map[string]any{
				"summary": r.c.Name + ": " + a.summary, "description": a.description,
			},
		})
	}
	return unstructuredObject(r, "monitoring.coreos.com/v1", "PrometheusRule", r.names.Base, ComponentNode, map[string]any{
		"groups": []any{map[string]any{"name": "chatfleet-" + r.c.Namespace + "-" + r.c.Name, "rules": rules}},
	})
}

// metricLabels select the metrics of this ChatCluster's nodes: a PodMonitor's job is its namespace and name.
func (r rendering) metricLabels() string {
	return fmt.Sprintf(`job="%s/%s"`, r.c.Namespace, r.names.Base)
}
