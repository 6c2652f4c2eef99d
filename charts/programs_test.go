package charts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// binVariable names the folder with helm and kubectl.
const binVariable = "CHATFLEET_KUBE_BIN"

// programs gives the command line of helm and of kubectl, which may be part of the one binary with all of Kubernetes.
func programs(t *testing.T) (helm, kubectl []string) {
	t.Helper()
	dir := os.Getenv(binVariable)
	if dir == "" {
		dir = filepath.Join("..", ".cache", "kubernetes", "current", "bin")
	}
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	helm, kubectl = []string{filepath.Join(dir, "helm")}, []string{filepath.Join(dir, "kubectl")}
	if !exists("kubectl") {
		kubectl = []string{filepath.Join(dir, "components"), "kubectl"}
	}
	if exists("helm") && (exists("kubectl") || exists("components")) {
		return helm, kubectl
	}
	if testing.Short() {
		t.Skipf("no helm and kubectl in %s: `make kubernetes` builds them", dir)
	}
	t.Fatalf("there is no helm and kubectl in %s: run `make kubernetes` (minutes, once), or set %s to a folder with them", dir, binVariable)
	return nil, nil
}

// run gives what a program prints, and what it complains of.
func run(t *testing.T, command []string, args ...string) (stdout string, err error) {
	t.Helper()
	var out, complaint bytes.Buffer
	c := exec.CommandContext(t.Context(), command[0], append(command[1:len(command):len(command)], args...)...)
	home := t.TempDir() // helm's, so that no repository or plugin of somebody's has a say
	c.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG=/dev/null")
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(command[0]), strings.Join(args, " "), err, complaint.String())
	}
	return out.String(), nil
}

// rendered gives the objects of a chart.
func rendered(t *testing.T, chart, release, namespace string, args ...string) []*unstructured.Unstructured {
	t.Helper()
	helm, _ := programs(t)
	out, err := run(t, helm, append([]string{"template", release, chart, "--namespace", namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, out)
}

// parsed gives the objects of a stream of YAML documents.
func parsed(t *testing.T, stream string) []*unstructured.Unstructured {
	t.Helper()
	var objects []*unstructured.Unstructured
	for _, document := range strings.Split("\n"+stream, "\n---\n") {
		content := map[string]any{}
		if err := yaml.UnmarshalStrict([]byte(document), &content); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if len(content) > 0 {
			objects = append(objects, &unstructured.Unstructured{Object: content})
		}
	}
	return objects
}

// cases gives the values files of a chart.
func cases(t *testing.T, of string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", of, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values files for %s: %v", of, err)
	}
	return files
}

// only gives the one object of a kind.
func only(t *testing.T, objects []*unstructured.Unstructured, kind string) *unstructured.Unstructured {
	t.Helper()
	found := ofKind(objects, kind)
	if len(found) != 1 {
		t.Fatalf("%d objects of kind %s, want one", len(found), kind)
	}
	return found[0]
}

func ofKind(objects []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	var found []*unstructured.Unstructured
	for _, o := range objects {
		if o.GetKind() == kind {
			found = append(found, o)
		}
	}
	return found
}
