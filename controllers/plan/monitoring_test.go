package plan

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
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

// rulesOf are the alerts of a ChatCluster, by name.
func rulesOf(t *testing.T, changes ...func(*v1alpha1.ChatCluster)) map[string]map[string]any {
	t.Helper()
	groups, _, _ := unstructured.NestedSlice(foreign(t, made(t, lobby(changes...)), "PrometheusRule", "lobby").Object, "spec", "groups")
	rules, _, _ := unstructured.NestedSlice(groups[0].(map[string]any), "rules")
	all := map[string]map[string]any{}
	for _, rule := range rules {
		name, _, _ := unstructured.NestedString(rule.(map[string]any), "alert")
		all[name] = rule.(map[string]any)
	}
	if len(all) != len(rules) {
		t.Errorf("%d names of %d alerts", len(all), len(rules))
	}
	return all
}

func TestEveryAlertSaysWhatToDo(t *testing.T) {
	rules := rulesOf(t, speaking)
	if len(rules) != len(alerts)+len(protocolAlerts) {
		t.Fatalf("%d rules of %d alerts", len(rules), len(alerts)+len(protocolAlerts))
	}
	for name, rule := range rules {
		expression, _, _ := unstructured.NestedString(rule, "expr")
		description, _, _ := unstructured.NestedString(rule, "annotations", "description")
		ours := strings.Contains(expression, `job="shop/lobby"`) || strings.Contains(expression, `{chatcluster_namespace="shop",chatcluster="lobby"}`)
		if !ours || strings.ContainsAny(expression, "$%") {
			t.Errorf("%s asks %s", name, expression)
		}
		if len(description) < 80 {
			t.Errorf("%s says only %q", name, description)
		}
	}
}

func TestAlertsOfAProtocolComeWithIt(t *testing.T) {
	if n := len(rulesOf(t)); n != len(alerts) {
		t.Errorf("%d alerts of a ChatCluster without protocols, want %d", n, len(alerts))
	}
	for _, a := range protocolAlerts {
		only := func(c *v1alpha1.ChatCluster) {
			speaking(c)
			all := *c.Spec.Protocols
			c.Spec.Protocols = &v1alpha1.ProtocolsSpec{}
			switch a.protocol {
			case "heimdallr":
				c.Spec.Protocols.Heimdallr = all.Heimdallr
			case "pull":
				c.Spec.Protocols.Pull = all.Pull
			case "push":
				c.Spec.Protocols.Push = all.Push
			case "comet":
				c.Spec.Protocols.Comet = all.Comet
			case "mqtt":
				c.Spec.Protocols.MQTT = all.MQTT
			}
		}
		rules := rulesOf(t, only)
		for _, other := range protocolAlerts {
			if _, there := rules[other.name]; there != (other.protocol == a.protocol) {
				t.Errorf("with %s alone, %s is there: %v", a.protocol, other.name, there)
			}
		}
	}
}

func TestAlertsAskMetricsThatNodesDocument(t *testing.T) {
	doc, err := os.ReadFile("../../chatnode/README.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`chatnode_[a-z0-9_]+`)
	for name, rule := range rulesOf(t, speaking) {
		expression, _, _ := unstructured.NestedString(rule, "expr")
		description, _, _ := unstructured.NestedString(rule, "annotations", "description")
		for _, metric := range names.FindAllString(expression+description, -1) {
			if metric = strings.TrimSuffix(metric, "_bucket"); !strings.Contains(string(doc), "`"+metric+"`") {
				t.Errorf("%s asks %s, of which chatnode/README.md says nothing", name, metric)
			}
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
