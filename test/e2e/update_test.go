package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// disruption watches the pods of one component, and notes how many were away at once.
type disruption struct {
	mu    sync.Mutex
	ready map[string]bool // by uid
	least int             // ready at one time
	stop  func()
	ended chan struct{}
}

// watchPods notes, from now on, each change of the pods of a component of which wanted are ready.
func (f fleet) watchPods(t *testing.T, component string, wanted int) *disruption {
	t.Helper()
	d := &disruption{ready: map[string]bool{}, least: wanted, ended: make(chan struct{})}
	w, err := f.kube.Watch(t.Context(), &corev1.PodList{}, client.InNamespace(f.namespace), client.MatchingLabels{
		"chatfleet.dev/cluster": f.name, "app.kubernetes.io/component": component,
	})
	if err != nil {
		t.Fatalf("watch the pods of %s: %v", f.name, err)
	}
	d.stop = w.Stop
	go func() {
		defer close(d.ended)
		seen := false // all of them, at the beginning
		for event := range w.ResultChan() {
			p, ok := event.Object.(*corev1.Pod)
			if !ok {
				continue
			}
			d.mu.Lock()
			if event.Type == "DELETED" {
				delete(d.ready, string(p.UID))
			} else {
				d.ready[string(p.UID)] = isReady(p)
			}
			up := 0
			for _, ready := range d.ready {
				if ready {
					up++
				}
			}
			seen = seen || up >= wanted
			if seen {
				d.least = min(d.least, up)
			}
			d.mu.Unlock()
		}
	}()
	return d
}

func isReady(p *corev1.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
		}
	}
	return false
}

// end stops watching and gives the least number of pods that were ready at one time.
func (d *disruption) end() int {
	d.stop()
	<-d.ended
	return d.least
}

// replaced returns when no pod of before is left and all of the new ones are ready.
func (f fleet) replaced(t *testing.T, component string, before []corev1.Pod) {
	t.Helper()
	old := map[string]bool{}
	for _, p := range before {
		old[string(p.UID)] = true
	}
	eventually(t, 5*time.Minute, "new "+component+" pods", func() error {
		pods := f.pods(t, component)
		if len(pods) != len(before) {
			return fmt.Errorf("%d of %d; %s", len(pods), len(before), says(f.get(t)))
		}
		for _, p := range pods {
			if old[string(p.UID)] || !isReady(&p) {
				return fmt.Errorf("%s is old or not ready; %s", p.Name, says(f.get(t)))
			}
		}
		return nil
	})
}

// runs checks that the pods of a component run an image, if one is named.
func (f fleet) runs(t *testing.T, component, image string) {
	t.Helper()
	for _, p := range f.pods(t, component) {
		if got := p.Spec.Containers[0].Image; image != "" && got != image {
			t.Errorf("%s runs %s, want %s", p.Name, got, image)
		}
	}
}

func TestUpdatesOneAtATimeCostNothing(t *testing.T) {
	f := needTrio(t)
	c := f.gather(t, faultClients, faultRooms, faultRest)
	c.WaitLoad("everybody to get through before")

	before, watched := f.pods(t, "node"), f.watchPods(t, "node", 2)
	servers := f.pods(t, "backbone")
	began := time.Now()
	f.change(t, func(s *v1alpha1.ChatClusterSpec) {
		if image := fromEnvironment("E2E_OTHER_NODE_IMAGE", ""); image != "" {
			s.Image = image
		}
		s.Nodes.PodAnnotations = map[string]string{"example.com/changed": began.UTC().Format(time.RFC3339Nano)}
	})
	f.replaced(t, "node", before)
	f.runs(t, "node", fromEnvironment("E2E_OTHER_NODE_IMAGE", ""))
	seconds(t, "update_of_two_nodes", began)
	if least := watched.end(); least < 2 {
		t.Errorf("%d of 2 chat nodes were ready at one time", least)
	}
	for i, p := range f.pods(t, "backbone") {
		if i < len(servers) && p.UID != servers[i].UID {
			t.Errorf("%s was replaced by an update of the chat nodes", p.Name)
		}
	}
	f.waitReady(t, readyWait)
	c.WaitLoad("everybody to get through between")

	before, watched = f.pods(t, "backbone"), f.watchPods(t, "backbone", 3)
	nodes := f.starts(t)
	began = time.Now()
	f.change(t, func(s *v1alpha1.ChatClusterSpec) {
		if image := fromEnvironment("E2E_OTHER_NATS_IMAGE", ""); image != "" {
			s.Backbone.Managed.Image = image
		}
		s.Backbone.Managed.PodAnnotations = map[string]string{"example.com/changed": began.UTC().Format(time.RFC3339Nano)}
	})
	f.replaced(t, "backbone", before)
	f.runs(t, "backbone", fromEnvironment("E2E_OTHER_NATS_IMAGE", ""))
	seconds(t, "update_of_three_NATS_servers", began)
	if least := watched.end(); least < 2 {
		t.Errorf("%d of 3 NATS servers were ready at one time", least)
	}
	f.waitReady(t, readyWait)
	for _, p := range f.pods(t, "node") {
		for _, s := range p.Status.ContainerStatuses {
			if _, there := nodes[fmt.Sprintf("%s/%s %s", p.Name, s.Name, p.UID)]; !there {
				t.Errorf("%s was replaced by an update of the backbone", p.Name)
			}
		}
	}
	c.WaitLoad("everybody to get through in the end")
	verdict(t, c)
}
