package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// status tells what runs. It asks the kernel, not a file, so it is right after a crash as well.
func (t *tool) status(ctx context.Context, _ []string) error {
	s, err := t.open()
	if errors.Is(err, errNotUp) {
		if _, left := os.Stat(t.dir()); left == nil {
			return fmt.Errorf("%w; of the last one %s is left (down removes it)", err, t.dir())
		}
	}
	if err != nil {
		return err
	}
	tree, err := process.ReadTree()
	if err != nil {
		return err
	}
	first := tree[s.pid]
	fmt.Printf("Cluster of %d nodes, up for %s, process %d. Kubernetes from %s\n", s.cluster.Nodes, age(first), s.pid, s.cluster.Bin)
	fmt.Printf("API server %s   Ingresses http://%s   kubeconfig %s\nLogs %s   audit log %s\n\n",
		layout.APIServer, layout.HostIP, s.cluster.Kubeconfig("admin"), s.cluster.Path("logs"), s.cluster.Path("audit.log"))

	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "WHERE\tPROCESS\tPID\tAGE\tMEMORY\tLOG")
	on := map[int]process.Info{}
	for _, p := range tree.Children(s.pid) {
		if n := nodeNumber(p); n != 0 {
			on[n] = p
		} else if name := name(p); name != "" {
			row(w, "control plane", p, name, strings.TrimPrefix(name, "kube-"))
		}
	}
	for n := 1; n <= s.cluster.Nodes; n++ {
		where := layout.NodeName(n)
		p, running := on[n]
		if !running {
			fmt.Fprintf(w, "%s\t(without power)\t\t\t\t%s.log\n", where, where)
			continue
		}
		pods := 0
		for _, child := range tree.Children(p.PID) {
			switch name := name(child); name {
			case "containerd", "kubelet", "kube-proxy":
				row(w, where, child, name, where+"-"+strings.TrimPrefix(name, "kube-"))
			default:
				pods++
			}
		}
		fmt.Fprintf(w, "%s\t%d pods\t%d\t%s\t\t%s.log\n", where, pods, p.PID, age(p), where)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	out, err := s.output(ctx, nil, "kubectl", "get", "nodes", "-o", "wide")
	fmt.Printf("\n%s\n", out)
	if trouble, _ := os.ReadFile(s.cluster.Log("control")); len(trouble) > 0 {
		fmt.Printf("\nWhat happened to the processes, from %s:\n%s", s.cluster.Log("control"), trouble)
	}
	return err
}

func row(w *tabwriter.Writer, where string, p process.Info, name, log string) {
	fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d MiB\t%s.log\n", where, name, p.PID, age(p), p.Memory>>20, log)
}

// name is what a process of the cluster is called: a component, or what the tool was called with.
func name(p process.Info) string {
	name := filepath.Base(p.Args[0])
	if name == "localcluster" && len(p.Args) > 1 {
		return p.Args[1]
	}
	return name
}

func age(p process.Info) string { return p.Age.Round(time.Second).String() }
