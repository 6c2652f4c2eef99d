package charts

import (
	"strings"
	"testing"
)

func TestWrongValuesAreRefusedWithTheirPlace(t *testing.T) {
	helm, _ := programs(t)
	for _, c := range []struct {
		chart, set string
		want       []string
	}{
		{"chatcluster", "nodes.replicaz=2", []string{"/nodes", "replicaz", "not allowed"}},
		{"chatcluster", "nodes.replicas=many", []string{"/nodes/replicas", "want integer"}},
		{"chatcluster", "nodes.replicas=-1", []string{"/nodes/replicas", "want 0"}},
		{"chatcluster", "backbone.managed.replicas=2", []string{"/backbone/managed/replicas", "1, 3, 5"}},
		{"chatcluster", "backbone.managed.storage.size=big", []string{"/backbone/managed/storage/size", "pattern"}},
		{"chatcluster", "backbone.type=Somebody", []string{"/backbone/type", "'External'", "'Managed'"}},
		{"chatcluster", "backbone.external.prefix=x", []string{"/backbone/external", "missing property 'urls'"}},
		{"chatcluster", "exposure.host=Not A Host", []string{"/exposure/host", "pattern"}},
		{"chatcluster", "check.timeout=soon", []string{"/check/timeout", "pattern"}},
		{"chatcluster", "nameOverride=9lives", []string{"/nameOverride", "pattern"}},
		{"chatcluster", "spec.nodes.replicas=1", []string{"'spec' not allowed"}},
		{"chatfleet-operator", "replicas=0", []string{"/replicas", "want 1"}},
		{"chatfleet-operator", "replica=2", []string{"'replica' not allowed"}},
		{"chatfleet-operator", "log.level=loud", []string{"/log/level", "'debug'"}},
		{"chatfleet-operator", "watchNamespaces=chat", []string{"/watchNamespaces", "want array"}},
		{"chatfleet-operator", "watchNamespaces={Chat}", []string{"/watchNamespaces/0", "pattern"}},
		{"chatfleet-operator", "image.pullPolicy=Sometimes", []string{"/image/pullPolicy", "'IfNotPresent'"}},
		{"chatfleet-operator", "serviceAccount.create=false", []string{"serviceAccount.name must be given"}},
	} {
		t.Run(c.chart+" "+c.set, func(t *testing.T) {
			_, err := run(t, helm, "template", "x", c.chart, "--set", c.set)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message lacks %q: %v", want, err)
				}
			}
		})
	}
}
