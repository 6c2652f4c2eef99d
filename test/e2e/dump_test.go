package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// dump keeps what Kubernetes tells of the namespaces in .cache/e2e/<test>/, for a test that has failed.
func dump(t *testing.T, namespaces ...string) {
	t.Helper()
	dir := cache("e2e", testName(t))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Logf("keep what happened: %v", err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	keep := func(file string, args ...string) string {
		out, err := run(ctx, "kubectl", args...)
		if err != nil {
			out += "\n" + err.Error()
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(out), 0o644); err != nil {
			t.Logf("keep what happened: %v", err)
		}
		return out
	}
	keep("all.txt", "get", "all,chatclusters,pvc,pv,ingress,configmaps,secrets,networkpolicies,pdb,leases", "-A", "-o", "wide")
	keep("nodes.txt", "describe", "nodes")
	for _, ns := range namespaces {
		keep(ns+"-chatclusters.yaml", "get", "chatclusters", "-n", ns, "-o", "yaml")
		keep(ns+"-describe.txt", "describe", "chatclusters,pods,pvc,statefulsets,deployments,ingress", "-n", ns)
		keep(ns+"-events.txt", "get", "events", "-n", ns, "--sort-by=.lastTimestamp")
		pods := keep(ns+"-pods.txt", "get", "pods", "-n", ns, "-o", "name")
		for pod := range strings.FieldsSeq(pods) {
			file := ns + "-" + strings.ReplaceAll(strings.TrimPrefix(pod, "pod/"), "/", "-")
			keep(file+".log", "logs", "-n", ns, pod, "--all-containers", "--timestamps", "--tail=5000")
			keep(file+".before.log", "logs", "-n", ns, pod, "--all-containers", "--timestamps", "--tail=5000", "--previous")
		}
	}
	t.Logf("what Kubernetes tells is in %s", dir)
}
