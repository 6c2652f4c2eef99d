package plan

import "slices"

// protocolAlerts are those of clients of other systems, by the protocol that a ChatCluster asks for.
var protocolAlerts = []struct {
	protocol string
	alert
}{
	{"heimdallr", alert{
		"ChatfleetHeimdallrMessagesLost", `sum(rate(chatnode_heimdallr_messages_total{$nodes,result!="stored"}[5m])) > 0.1`, "5m", "warning",
		"Messages of heimdallr's clients are not stored.",
		"{{ $value | humanize }} messages a second are refused, each of which closed its connection: the protocol can't say it otherwise. " +
			"chatnode_heimdallr_messages_total tells why by result: unavailable is the log (look at BackboneReady of the ChatCluster), too_many the " +
			"limits of the application.",
	}},
	{"pull", alert{
		"ChatfleetPullRequestsFail", `sum(rate(chatnode_pull_refused_total{$nodes,reason=~"internal|too_many|unavailable"}[5m])) > 0.1`, "5m", "warning",
		"Requests of distributed-chat's clients fail.",
		"{{ $value | humanize }} requests a second can't be answered. chatnode_pull_refused_total tells why by reason: unavailable is the log (look at " +
			"BackboneReady of the ChatCluster), too_many the limits of the application or of a node. A send without an answer may be stored, and clients that " +
			"repeat it store it twice.",
	}},
	{"push", alert{
		"ChatfleetPushCommandsFail", `sum(rate(chatnode_push_requests_total{$nodes,code=~"4|21"}[5m])) > 0.1`, "5m", "warning",
		"Commands of cHaTTP's clients fail.",
		"{{ $value | humanize }} commands a second are answered with error 4 or 21: the log can't be reached, or doesn't answer in time (look at BackboneReady of " +
			"the ChatCluster), or too many passwords wait to be checked (chatnode_push_waiting_passwords).",
	}},
	{"push", alert{
		"ChatfleetPushClientsRefused", `sum(rate(chatnode_push_refused_total{$nodes,bound=~"requests|polls"}[5m])) > 0.1`, "5m", "warning",
		"Chat nodes answer as many of cHaTTP's clients as they may.",
		"{{ $value | humanize }} commands and polls a second are refused; chatnode_push_refused_total tells by bound which. Nodes have too little CPU, or there are too " +
			"few of them for so many polls: add nodes.",
	}},
	{"push", alert{
		"ChatfleetPushPasswordsGuessed", `sum(rate(chatnode_push_refused_total{$nodes,bound="guesses"}[5m])) > 0.1`, "15m", "info",
		"Somebody guesses passwords of cHaTTP's users.",
		"{{ $value | humanize }} log-ins a second come from addresses that have guessed wrong too often, and are not judged. If all clients seem to come from one " +
			"address, their proxy is missing in CHATNODE_TRUSTED_PROXIES among spec.nodes.env; else have whatever ends TLS refuse the guessers.",
	}},
	{"comet", alert{
		"ChatfleetCometBrowsersDropped", `sum(rate(chatnode_comet_dropped_connections_total{$nodes,reason=~"limit|unavailable"}[5m])) > 0.1`, "5m", "warning",
		"Browsers of CppComet are cut off.",
		"{{ $value | humanize }} browsers a second can't be let in, and come back at once. chatnode_comet_dropped_connections_total tells why by reason: unavailable is " +
			"the log (look at BackboneReady of the ChatCluster), limit the limits of the application.",
	}},
	{"comet", alert{
		"ChatfleetCometInsertsFail", `sum(rate(chatnode_comet_queries_total{$nodes,kind="insert",result="error"}[5m])) > 0.1`, "5m", "warning",
		"Messages of CometQL's backends are not stored.",
		"{{ $value | humanize }} INSERTs a second are answered with an error, which the backend has: either the log can't be reached (look at BackboneReady of the " +
			"ChatCluster), or the backend sends what can't be. chatnode_comet_queries_total tells by table.",
	}},
	{"mqtt", alert{
		"ChatfleetMQTTMessagesRefused", `sum(rate(chatnode_mqtt_refused_total{$nodes,why=~"internal|too_many|unavailable"}[5m])) > 0.1`, "5m", "warning",
		"Messages of chat21's clients are not stored.",
		"{{ $value | humanize }} messages and changes a second are refused. Clients say those with QoS 1 again on their next connection, others are lost. " +
			"chatnode_mqtt_refused_total tells why: unavailable is the log (look at BackboneReady of the ChatCluster), too_many the limits of the application.",
	}},
	{"mqtt", alert{
		"ChatfleetMQTTChangesUntold", `sum(rate(chatnode_mqtt_untold_total{$nodes}[5m])) > 0.1`, "10m", "info",
		"chat21's clients are not told of changes of their conversations.",
		"{{ $value | humanize }} changes, receipts and groups a second don't reach the user's sessions, which see them only when they ask over HTTP. Nodes have lost " +
			"NATS, or have too little CPU.",
	}},
}

// alerts are those that concern the ChatCluster.
func (r rendering) alerts() []alert {
	all := slices.Clone(alerts)
	spoken := protocols(r.c)
	for _, a := range protocolAlerts {
		if slices.ContainsFunc(spoken, func(p protocolPlan) bool { return p.name == a.protocol }) {
			all = append(all, a.alert)
		}
	}
	return all
}
