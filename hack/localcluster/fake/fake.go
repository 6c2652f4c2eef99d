// Package fake adds nodes that exist in the API server alone, for tests with more pods than a machine can run: KWOK plays their kubelets. Pods
// get there by a node selector and a toleration, become ready at once, and do nothing.
package fake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"sigs.k8s.io/kwok/kustomize/stage/node/fast"
	heartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	pod "sigs.k8s.io/kwok/kustomize/stage/pod/fast"

	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// mark is the annotation by which KWOK knows its nodes, the label that pods select them by, and the taint that they tolerate: all with value "fake".
const mark = "kwok.x-k8s.io/node"

// writers is how many nodes are made at once.
const writers = 8

func config(c layout.Cluster) string { return c.Path("kwok.yaml") }

// Wanted says whether the cluster is to have fake nodes.
func Wanted(c layout.Cluster) bool {
	_, err := os.Stat(config(c))
	return err == nil
}

// Want writes what KWOK is to do, which is also the sign that it is wanted.
func Want(c layout.Cluster) error {
	stages := []string{fast.DefaultNodeInit, heartbeat.DefaultNodeHeartbeatWithLease, pod.DefaultPodReady, pod.DefaultPodComplete, pod.DefaultPodDelete}
	if err := os.WriteFile(config(c), []byte(strings.Join(stages, "\n---\n")), 0o644); err != nil {
		return fmt.Errorf("write the configuration of kwok: %w", err)
	}
	return nil
}

// Command is the process that plays the kubelets.
func Command(c layout.Cluster) process.Command {
	return process.Command{
		Path: filepath.Join(c.Bin, "kwok"),
		Args: []string{
			"--kubeconfig=" + c.Kubeconfig("kwok"),
			"--config=" + config(c),
			"--manage-nodes-with-annotation-selector=" + mark + "=fake",
			"--node-lease-duration-seconds=40",
		},
		Log: c.Log("kwok"),
	}
}

// Name gives the name of fake node n, which counts from 1.
func Name(n int) string { return fmt.Sprintf("fake%d", n) }

// Make makes nodes 1 to count; those that are there already stay as they are.
func Make(ctx context.Context, client *kube.Client, count int) error {
	numbers := make(chan int)
	failed := make([]error, writers)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range numbers {
				if failed[w] == nil {
					failed[w] = makeNode(ctx, client, n)
				}
			}
		})
	}
	for n := 1; n <= count; n++ {
		numbers <- n
	}
	close(numbers)
	all.Wait()
	return errors.Join(failed...)
}

func makeNode(ctx context.Context, client *kube.Client, n int) error {
	type object map[string]any
	room := object{"cpu": "1000", "memory": "1Ti", "ephemeral-storage": "1Ti", "pods": "10000"}
	err := client.Create(ctx, "/api/v1/nodes", object{
		"apiVersion": "v1", "kind": "Node",
		"metadata": object{
			"name":        Name(n),
			"annotations": object{mark: "fake"},
			"labels": object{
				mark: "fake", "kubernetes.io/hostname": Name(n), "kubernetes.io/os": "linux",
				"topology.kubernetes.io/zone": fmt.Sprintf("zone%d", 1+(n-1)%3),
			},
		},
		"spec":   object{"taints": []object{{"key": mark, "value": "fake", "effect": "NoSchedule"}}},
		"status": object{"capacity": room, "allocatable": room, "phase": "Running"},
	})
	if err != nil && !kube.IsCode(err, http.StatusConflict) {
		return fmt.Errorf("make node %s: %w", Name(n), err)
	}
	return nil
}
