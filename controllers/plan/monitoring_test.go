package plan

import (
	"encoding/json"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestPodMonitorShowsTheCertificateThatTheAdminPortAsksFor(t *testing.T) {
	m := foreign(t, made(t, lobby()), "PodMonitor", "lobby")
	endpoints, _, _ := unstructured.NestedSlice(m.Object, "spec", "podMetricsEndpoints")
	raw, err := json.Marshal(endpoints)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"path":"/metrics","port":"admin","scheme":"https","tlsConfig":{` +
		`"ca":{"secret":{"key":"ca.crt","name":"lobby-metrics-tls"}},"cert":{"secret":{"key":"tls.crt","name":"lobby-metrics-tls"}},` +
		`"keySecret":{"key":"tls.key","name":"lobby-metrics-tls"},"serverName":"node.chatfleet.internal"}}]`
	if string(raw) != want {
		t.Errorf("endpoints %s", raw)
	}
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	groups, _, _ := unstructured.NestedSlice(foreign(t, made(t, lobby()), "PrometheusRule", "lobby").Object, "spec", "groups")
	rules, _, _ := unstructured.NestedSlice(groups[0].(map[string]any), "rules")
	if len(rules) != len(alerts) {
		t.Fatalf("%d rules of %d alerts", len(rules), len(alerts))
	}
	for _, rule := range rules {
		expression, _, _ := unstructured.NestedString(rule.(map[string]any), "expr")
		name, _, _ := unstructured.NestedString(rule.(map[string]any), "alert")
		description, _, _ := unstructured.NestedString(rule.(map[string]any), "annotations", "description")
		ours := strings.Contains(expression, `job="shop/lobby"`) || strings.Contains(expression, `{chatcluster_namespace="shop",chatcluster="lobby"}`)
		if !ours || strings.ContainsAny(expression, "$%") {
			t.Errorf("%s asks %s", name, expression)
		}
		if len(description) < 80 {
			t.Errorf("%s says only %q", name, description)
		}
	}
}

func TestDashboardIsWhatGrafanaReads(t *testing.T) {
	board := the[*corev1.ConfigMap](t, made(t, lobby()), "lobby-dashboard")
	if board.Labels["grafana_dashboard"] != "1" {
		t.Errorf("labels %v", board.Labels)
	}
	var content struct {
		UID    string
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(board.Data["chatfleet-lobby.json"]), &content); err != nil {
		t.Fatal(err)
	}
	if len(content.Panels) != len(panels) || len(content.UID) > 40 {
		t.Errorf("%d panels, id %s", len(content.Panels), content.UID)
	}
	for _, p := range content.Panels {
		for _, target := range p.Targets {
			if !strings.Contains(target.Expr, `{job="shop/lobby"}`) {
				t.Errorf("%s asks %s", p.Title, target.Expr)
			}
		}
	}
}
