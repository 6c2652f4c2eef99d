package charts

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/plan"
)

// notes gives what helm tells somebody who installs a chart.
func notes(t *testing.T, chart, release, namespace string, args ...string) string {
	t.Helper()
	helm, _ := programs(t)
	out, err := run(t, helm, append([]string{"install", release, chart, "--namespace", namespace, "--dry-run=client"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(out, "NOTES:\n")
	if !found {
		t.Fatalf("no notes in\n%s", out)
	}
	return text
}

func TestNotesTellHowToConnect(t *testing.T) {
	for _, c := range []struct {
		values string
		args   []string
		want   []string
	}{
		{"default.yaml", nil, []string{"Nobody can connect yet", "volumes with its messages stay"}},
		{"ingress.yaml", nil, []string{"They show a token", "helm test lobby -n chat", "go with it"}},
		{"ingress.yaml", []string{"--set", "exposure.ingress.tlsSecretName="}, nil},
		{"default.yaml", []string{"--set", "exposure.host=chat.example.com,exposure.tlsSecretName=tls"}, nil},
		{"ingress.yaml", []string{"--set", "exposure.tlsSecretName=tls"}, nil},
		{"autoscaled.yaml", nil, []string{"They show a token"}},
		{"external.yaml", nil, []string{"need no token, and may use public:*"}},
	} {
		t.Run(strings.Join(append([]string{c.values}, c.args...), " "), func(t *testing.T) {
			args := append([]string{"--values", filepath.Join("testdata", "chatcluster", c.values)}, c.args...)
			text := notes(t, "chatcluster", "lobby", "chat", args...)
			var cluster v1alpha1.ChatCluster
			decode(t, only(t, rendered(t, "chatcluster", "lobby", "chat", args...), "ChatCluster"), &cluster)
			for _, want := range append(c.want, plan.Endpoints(&cluster)...) {
				if !strings.Contains(text, want) {
					t.Errorf("the notes lack %q:\n%s", want, text)
				}
			}
			if n := strings.Count(text, "/connection/websocket"); n != len(plan.Endpoints(&cluster)) {
				t.Errorf("%d addresses, want %v:\n%s", n, plan.Endpoints(&cluster), text)
			}
		})
	}
}

func TestNotesOfTheOperatorNameItsNamespaces(t *testing.T) {
	for values, want := range map[string]string{"default.yaml": "in all namespaces", "namespaced.yaml": "in chat, chat-staging"} {
		text := notes(t, "chatfleet-operator", "op", "chat-system", "--values", filepath.Join("testdata", "operator", values))
		for _, want := range []string{want, "deployment/op-chatfleet-operator", "kind: ChatCluster"} {
			if !strings.Contains(text, want) {
				t.Errorf("the notes lack %q:\n%s", want, text)
			}
		}
	}
}
