package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// sample is the ChatCluster of the README, as it stands there.
const sample = "config/samples/laptop.yaml"

// From `helm install` and the sample to the first durable message through the ingress. The operator is installed by whichever test comes
// first: by its file's name it is this one, unless others are chosen.
func TestInstallAndTheSampleCarryAMessage(t *testing.T) {
	needCluster(t)
	content, err := os.ReadFile(filepath.Join(root, sample))
	if err != nil {
		t.Fatal(err)
	}
	var c v1alpha1.ChatCluster
	if err := yaml.UnmarshalStrict(content, &c); err != nil {
		t.Fatalf("read %s: %v", sample, err)
	}
	namespace := newNamespace(t, "sample")
	drop(t, namespace)
	began := time.Now()
	first := theWorld.installed.IsZero()
	needOperator(t)
	if !first {
		t.Log("the operator was there already: the figure lacks its installation")
	}
	if _, err := runWith(t.Context(), string(content), "kubectl", "apply", "--namespace", namespace, "-f", "-"); err != nil {
		t.Fatal(err)
	}
	lobby := fleet{chat: chat{namespace: namespace, name: c.Name, host: c.Spec.Exposure.Host, prefix: "public:"}, kube: theWorld.kube}
	lobby.waitExchange(t, readyWait)
	if first {
		seconds(t, "install_to_first_message_r1", began)
	} else {
		seconds(t, "sample_to_first_message_r1", began)
	}
	lobby.waitReady(t, readyWait)
	seconds(t, "install_to_ready_r1", began)

	for _, component := range []string{"node", "backbone"} {
		for _, p := range lobby.pods(t, component) {
			for _, s := range p.Status.ContainerStatuses {
				if s.RestartCount > 0 {
					t.Errorf("%s was restarted %d times on the way", p.Name, s.RestartCount)
				}
			}
		}
	}
	status := lobby.get(t).Status
	if status.Nodes != "2/2" || status.Backbone.Summary == "" || status.Version == "" || len(status.Endpoints) == 0 {
		t.Errorf("the status tells too little: %+v", status)
	}
	out, err := run(t.Context(), "kubectl", "get", "chc", "--namespace", namespace)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + out)
}

func TestThreeServersCarryAMessage(t *testing.T) {
	f := needTrio(t) // which prints its figure
	status := f.get(t).Status
	if status.Backbone.Ready != 3 || status.Backbone.Durability != v1alpha1.DurabilityStrict {
		t.Errorf("backbone: %+v", status.Backbone)
	}
	f.waitExchange(t, time.Minute)
	var hosts = map[string]bool{}
	for _, p := range f.pods(t, "backbone") {
		hosts[p.Spec.NodeName] = true
	}
	t.Logf("three servers run on %d Kubernetes nodes", len(hosts))
}
