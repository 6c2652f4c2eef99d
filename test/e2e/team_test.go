package e2e

import (
	"strings"
	"testing"
	"time"
)

// An application team installs the chart of a ChatCluster, and `helm test` sends a message from one node to another.
func TestTheChartOfATeamIsTestedByHelm(t *testing.T) {
	needOperator(t)
	namespace := newNamespace(t, "team")
	drop(t, namespace)
	makeTokenSecret(t, namespace, tokenSecret)
	values := []string{
		"check.image=" + operatorFlag(t, "node-image"), "auth.jwt.secretRef.name=" + tokenSecretName, "exposure.host=team." + namespace + ".test",
		"exposure.ingress.annotations.example=e2e", "backbone.shards=2", "backbone.managed.replicas=1", "backbone.managed.storage.size=512Mi",
		"drain.period=3s",
	}
	if _, err := run(t.Context(), "helm", "install", "team", "charts/chatcluster", "--namespace", namespace, "--set", strings.Join(values, ",")); err != nil {
		t.Fatal(err)
	}
	f := fleet{
		chat: chat{namespace: namespace, name: "team", host: "team." + namespace + ".test", secret: tokenSecret, prefix: "room:"}, kube: theWorld.kube,
	}
	f.waitExchange(t, readyWait)
	f.waitReady(t, readyWait)
	began := time.Now()
	out, err := run(t.Context(), "helm", "test", "team", "--namespace", namespace, "--logs")
	if err != nil {
		t.Fatal(err)
	}
	seconds(t, "helm_test", began)
	if !strings.Contains(out, "received on node") {
		t.Errorf("helm test doesn't tell that a message went from one node to another:\n%s", out)
	}
	if _, err := run(t.Context(), "helm", "uninstall", "team", "--namespace", namespace, "--wait"); err != nil {
		t.Error(err)
	}
}
