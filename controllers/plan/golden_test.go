package plan

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

var update = flag.Bool("update", false, "write what templates make into testdata, for templates that no release has had yet")

// Pods of a released template are what runs in clusters: another content under the same number would restart them all with the next
// operator. A change belongs into a new template. In a configuration that may change without one which servers take over while they run,
// such as rights.
func TestTemplatesMakeWhatTheyAlwaysMade(t *testing.T) {
	changes := map[string]func(*v1alpha1.ChatCluster){
		"one":       servers(1),
		"external":  external,
		"chat":      func(c *v1alpha1.ChatCluster) { external(c); chatting(c) },
		"protocols": func(c *v1alpha1.ChatCluster) { external(c); speaking(c) },
		"disabled":  func(c *v1alpha1.ChatCluster) { external(c); c.Spec.Search.Engine = v1alpha1.SearchDisabled },
		"full": func(c *v1alpha1.ChatCluster) {
			servers(3)(c)
			everything(c)
			c.Spec.Backbone.Shards = 1
			c.Spec.Auth.OpenChannels = []string{"news*"}
			c.Spec.Exposure.TLSSecretName = "own"
		},
	}
	for name, change := range changes {
		c := settle(lobby(change))
		r := rendering{c: c, names: NamesOf(c), observed: allAPIs(), revision: v1alpha1.Revision{Image: "node:1", BackboneImage: "nats:1"}}
		for i, pod := range shipped.node {
			golden(t, fmt.Sprintf("node-%d-%s.json", i+1, name), pretty(t, pod(r)))
		}
		if !managed(c) {
			continue
		}
		for i, template := range shipped.backbone {
			golden(t, fmt.Sprintf("backbone-%d-%s.json", i+1, name), pretty(t, template.pod(r)))
			golden(t, fmt.Sprintf("backbone-%d-%s.conf", i+1, name), template.config(r))
		}
	}
}

func pretty(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares what is made with the file of that name.
func golden(t *testing.T, name, made string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was, is := strings.Split(string(kept), "\n"), strings.Split(made, "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Errorf("%s changes from line %d on: %q instead of %q", name, i+1, line(is, i), line(was, i))
			return
		}
	}
}

func line(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return "nothing"
}
