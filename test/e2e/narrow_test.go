package e2e

import (
	"context"
	"strings"
	"testing"
	"time"
)

// In namespaced mode the operator has nothing cluster-wide, and works.
func TestAnOperatorOfOneNamespaceNeedsNoClusterRole(t *testing.T) {
	needOperator(t)
	namespace := newNamespace(t, "narrow")
	drop(t, namespace)
	makeTokenSecret(t, namespace, tokenSecret)
	set := fromEnvironment("E2E_HELM_SET", defaultImages) + ",crds.install=false,fullnameOverride=narrow,watchNamespaces={" + namespace + "}"
	args := []string{"narrow", operatorChart, "--namespace", namespace, "--set", set}
	rendered, err := run(t.Context(), "helm", append([]string{"template"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(rendered, "ClusterRole") {
		t.Errorf("a ClusterRole is rendered:\n%s", rendered)
	}
	// The operator of the whole cluster would look after this namespace too.
	scaleOperator(t, 0)
	t.Cleanup(func() { scaleBack(t) })
	began := time.Now()
	if _, err := run(t.Context(), "helm", append([]string{"install"}, args...)...); err != nil {
		t.Fatal(err)
	}
	f := create(t, newCluster(namespace, "narrow", 1))
	f.waitExchange(t, readyWait)
	seconds(t, "install_to_first_message_namespaced", began)
	f.waitReady(t, readyWait)
	f.remove(t)
	if _, err := run(t.Context(), "helm", "uninstall", "narrow", "--namespace", namespace, "--wait"); err != nil {
		t.Error(err)
	}
}

// scaleBack gives the cluster its operator again, also after a test that has failed.
func scaleBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := run(ctx, "kubectl", "scale", "deployment", operatorName, "--namespace", operatorNamespace, "--replicas=1"); err != nil {
		t.Error(err)
	}
	if _, err := run(ctx, "kubectl", "rollout", "status", "deployment", operatorName, "--namespace", operatorNamespace, "--timeout=60s"); err != nil {
		t.Error(err)
	}
}
