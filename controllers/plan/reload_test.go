//go:build !race

// Without the race detector: nats-server's reload races with routes that are just being made, in its own code, which runs in this process here.
// `make test-product` runs this file by itself.

package plan

import (
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// What changes the configuration and not the pods, servers take over while they run. (What they can't take over changes the pods' mode.)
func TestServersTakeChangesOverWhileTheyRun(t *testing.T) {
	changes := map[string]func(*v1alpha1.ChatCluster){
		"larger volumes": func(c *v1alpha1.ChatCluster) { c.Spec.Backbone.Managed.Storage.Size = resource.MustParse("20Gi") },
		"other rights":   func(c *v1alpha1.ChatCluster) { c.Spec.Backbone.Shards = 3 },
		"more servers":   servers(5),
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, lobby(servers(3), twoShards))
			w.start()
			old := w.plan
			change(w.c)
			if w.plan = made(t, w.c); w.plan.BackboneTemplateHash != old.BackboneTemplateHash {
				t.Fatal("the pods change")
			}
			routes := routePorts(w)
			if added := int(*w.plan.statefulSet(t).Spec.Replicas) - len(routes); added > 0 {
				routes = append(routes, freePorts(t, added)...)
			}
			w.configure(0, routes)
			if err := w.servers[0].Reload(); err != nil {
				t.Fatal(err)
			}
			got := w.servers[0].JetStreamConfig()
			if got.MaxStore != StorageLimit(w.c) {
				t.Errorf("room for %d bytes, want %d", got.MaxStore, StorageLimit(w.c))
			}
			if want := filepath.Join(w.dir, "0", "jetstream"); got.StoreDir != want {
				t.Errorf("messages are in %s, want %s", got.StoreDir, want)
			}
		})
	}
}
