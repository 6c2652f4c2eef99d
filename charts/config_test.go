package charts

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestConfigIsWhatTheChartRenders holds the two ways to install the operator together.
func TestConfigIsWhatTheChartRenders(t *testing.T) {
	const namespace = "chatfleet-system"
	chart := byName(rendered(t, "chatfleet-operator", "chatfleet-operator", namespace))
	config := byName(kustomized(t, "default"))
	if _, there := config["Namespace /"+namespace]; !there {
		t.Errorf("config/default lacks its namespace")
	}
	delete(config, "Namespace /"+namespace)
	for name := range maps.Keys(chart) {
		if config[name] == nil {
			t.Errorf("config/default lacks %s", name)
			continue
		}
		if differences := differ(leaves("", chart[name]), leaves("", config[name])); len(differences) > 0 {
			t.Errorf("%s: %d values differ, first in the chart, then in config/default:\n%s",
				name, len(differences), strings.Join(differences[:min(10, len(differences))], "\n"))
		}
	}
	for name := range config {
		if chart[name] == nil {
			t.Errorf("the chart lacks %s", name)
		}
	}
}

// byName gives the contents of objects, without what only Helm says of them.
func byName(objects []*unstructured.Unstructured) map[string]map[string]any {
	contents := map[string]map[string]any{}
	for _, o := range objects {
		o.SetLabels(without(o.GetLabels(), "helm.sh/", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"))
		o.SetAnnotations(without(o.GetAnnotations(), "helm.sh/"))
		contents[fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())] = o.Object
	}
	return contents
}

func without(pairs map[string]string, prefixes ...string) map[string]string {
	maps.DeleteFunc(pairs, func(key, _ string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(key, prefix) {
				return true
			}
		}
		return false
	})
	return pairs
}

// leaves gives the values in a document by their paths.
func leaves(path string, value any) map[string]string {
	found := map[string]string{}
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			maps.Copy(found, leaves(path+"."+key, inner))
		}
	case []any:
		for i, inner := range v {
			maps.Copy(found, leaves(fmt.Sprintf("%s[%d]", path, i), inner))
		}
	default:
		found[path] = fmt.Sprint(v)
	}
	return found
}

func differ(a, b map[string]string) []string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	var differences []string
	for _, path := range slices.Sorted(maps.Keys(both)) {
		if a[path] != b[path] {
			differences = append(differences, fmt.Sprintf("%s: %q, %q", path, a[path], b[path]))
		}
	}
	return differences
}

// TestTheReadmeShowsTheSampleThatIsTested compares the first ChatCluster in the README with the one that the end-to-end tests apply.
func TestTheReadmeShowsTheSampleThatIsTested(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	sample, err := os.ReadFile(filepath.Join("..", "config", "samples", "laptop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _ := strings.Cut(string(readme), "```yaml\n")
	shown, _, _ = strings.Cut(shown, "```")
	var inReadme, tested map[string]any
	if err := errors.Join(yaml.Unmarshal([]byte(shown), &inReadme), yaml.Unmarshal(sample, &tested)); err != nil {
		t.Fatal(err)
	}
	if len(tested) == 0 || !reflect.DeepEqual(inReadme, tested) {
		t.Errorf("the README shows\n%s\ntested is\n%s", shown, sample)
	}
}
