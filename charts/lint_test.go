package charts

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestHelmFindsNothingToComplainOf(t *testing.T) {
	helm, _ := programs(t)
	for chart, of := range map[string]string{"chatfleet-operator": "operator", "chatcluster": "chatcluster"} {
		for _, file := range cases(t, of) {
			if _, err := run(t, helm, "lint", "--strict", "--values", file, chart); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTheDefinitionInTheChartIsTheOneInConfig(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("..", "config", "crd", "chatfleet.dev_chatclusters.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("chatfleet-operator", "files", "chatfleet.dev_chatclusters.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("the chart's copy is stale: run `make generate`")
	}
}

func TestTheChartNamesTheVersionOfNATSThatIsRequired(t *testing.T) {
	module, err := os.ReadFile(filepath.Join("..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	required := regexp.MustCompile(`nats-server/v2 v(\S+)`).FindSubmatch(module)
	if required == nil {
		t.Fatal("go.mod does not require NATS")
	}
	raw, err := os.ReadFile(filepath.Join("chatfleet-operator", "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var chart struct{ Annotations map[string]string }
	if err := yaml.Unmarshal(raw, &chart); err != nil {
		t.Fatal(err)
	}
	if got, want := chart.Annotations["chatfleet.dev/nats-version"], string(required[1]); got != want {
		t.Errorf("Chart.yaml says NATS %s, go.mod requires %s", got, want)
	}
}
