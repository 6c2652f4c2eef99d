package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// panel is a graph of the dashboard.
type panel struct {
	title, unit string
	// queries by what they are called in the legend; %[1]s stands for the labels that select the nodes.
	queries [][2]string
}

var panels = []panel{
	{"Connections", "short", [][2]string{{"{{pod}}", `chatnode_conn_connections{%[1]s}`}}},
	{"Messages sent a second", "ops", [][2]string{{"{{outcome}}", `sum by (outcome) (rate(chatnode_log_appends_total{%[1]s}[$__rate_interval]))`}}},
	{"Time until a message is stored", "s", [][2]string{
		{"p50", `histogram_quantile(0.5, sum by (le) (rate(chatnode_log_append_seconds_bucket{%[1]s}[$__rate_interval])))`},
		{"p99", `histogram_quantile(0.99, sum by (le) (rate(chatnode_log_append_seconds_bucket{%[1]s}[$__rate_interval])))`},
	}},
	{"Deliveries a second", "ops", [][2]string{{"{{pod}}", `rate(chatnode_fanout_deliveries_total{%[1]s}[$__rate_interval])`}}},
	{"Rooms and members", "short", [][2]string{
		{"rooms", `sum(chatnode_fanout_rooms{%[1]s})`}, {"members", `sum(chatnode_fanout_members{%[1]s})`},
	}},
	{"Shards owned", "short", [][2]string{{"{{pod}}", `chatnode_log_owned_shards{%[1]s}`}}},
	{"Connections opened and refused a second", "ops", [][2]string{
		{"opened", `sum(rate(chatnode_conn_accepted_total{%[1]s}[$__rate_interval]))`},
		{"refused", `sum(rate(chatnode_conn_refused_total{%[1]s}[$__rate_interval]))`},
	}},
	{"Troubles with the log a second", "ops", [][2]string{
		{"sent again", `sum(rate(chatnode_log_append_retries_total{%[1]s}[$__rate_interval]))`},
		{"holes", `sum(rate(chatnode_log_holes_total{%[1]s}[$__rate_interval]))`},
		{"reconnects", `sum(rate(chatnode_log_reconnects_total{%[1]s}[$__rate_interval]))`},
	}},
	{"Events told to the webhook a second", "ops", [][2]string{
		{"{{result}}", `sum by (result) (rate(chatnode_webhook_deliveries_total{%[1]s}[$__rate_interval]))`},
	}},
	{"Verdicts of moderation a second", "ops", [][2]string{
		{"{{verdict}}", `sum by (verdict) (rate(chatnode_moderation_checks_total{%[1]s}[$__rate_interval]))`},
	}},
	{"Messages that search has yet to see", "short", [][2]string{{"{{pod}}", `chatnode_search_lag_messages{%[1]s}`}}},
	{"Search index", "bytes", [][2]string{{"{{pod}}", `chatnode_search_index_bytes{%[1]s}`}}},
	{"Memory", "bytes", [][2]string{{"{{pod}}", `process_resident_memory_bytes{%[1]s}`}}},
	{"CPU", "short", [][2]string{{"{{pod}}", `rate(process_cpu_seconds_total{%[1]s}[$__rate_interval])`}}},
}

// dashboard is a ConfigMap that Grafana's sidecar picks up by its label.
func (r rendering) dashboard() (Object, error) {
	const width, height = 12, 8
	source := map[string]any{"type": "prometheus", "uid": "${datasource}"}
	var shown []any
	for i, p := range panels {
		var targets []any
		for n, query := range p.queries {
			targets = append(targets, map[string]any{
				"refId": string(rune('A' + n)), "datasource": source, "legendFormat": query[0], "expr": fmt.Sprintf(query[1], r.metricLabels()),
			})
		}
		shown = append(shown, map[string]any{
			"id": i + 1, "type": "timeseries", "title": p.title, "datasource": source, "targets": targets,
			"gridPos":     map[string]any{"x": i % 2 * width, "y": i / 2 * height, "w": width, "h": height},
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.unit, "min": 0}, "overrides": []any{}},
		})
	}
	raw, err := json.MarshalIndent(map[string]any{
		"title": "chatfleet " + r.c.Namespace + "/" + r.c.Name, "uid": dashboardID(r), "schemaVersion": 39, "editable": true,
		"tags": []string{"chatfleet"}, "time": map[string]any{"from": "now-1h", "to": "now"}, "refresh": "30s", "panels": shown,
		"templating": map[string]any{"list": []any{map[string]any{
			"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus",
		}}},
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the dashboard: %w", err)
	}
	m := meta(r.c, r.names.Dashboard, ComponentNode)
	m.Labels["grafana_dashboard"] = "1"
	return &corev1.ConfigMap{
		TypeMeta: typeMeta("v1", "ConfigMap"), ObjectMeta: m, Data: map[string]string{"chatfleet-" + r.names.Base + ".json": string(raw)},
	}, nil
}

// dashboardID names the dashboard within Grafana, where ids have at most 40 letters.
func dashboardID(r rendering) string {
	sum := sha256.Sum256([]byte(r.c.Namespace + "/" + r.c.Name))
	return "chatfleet-" + hex.EncodeToString(sum[:8])
}
