package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/authority"
	"github.com/chatfleet/chatfleet/hack/localcluster/cgroup"
	"github.com/chatfleet/chatfleet/hack/localcluster/control"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/machine"
	"github.com/chatfleet/chatfleet/hack/localcluster/manifests"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// settleTimeout bounds each wait of up; all of it takes half a minute on two idle cores.
const settleTimeout = 3 * time.Minute

func (t *tool) up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	nodes := flags.Int("nodes", 3, "how many nodes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *nodes < 1 || *nodes > layout.MaxNodes {
		return fmt.Errorf("a cluster has 1 to %d nodes, not %d", layout.MaxNodes, *nodes)
	}
	release, err := only(filepath.Dir(t.dir()))
	if err != nil {
		return err
	}
	defer release()
	if c, pid, err := t.running(); err == nil && pid != 0 {
		if c.Nodes != *nodes {
			return fmt.Errorf("a cluster of %d nodes runs already: down ends it", c.Nodes)
		}
		fmt.Fprintln(os.Stderr, "The cluster is up already.")
		return t.status(ctx, nil)
	}
	p := newProgress()
	if err := t.check(ctx, nil); err != nil {
		return err
	}
	set, err := t.ensureBuilt(ctx, p)
	if err != nil {
		return err
	}
	if err := t.end(ctx, false); err != nil { // what a crash left
		return err
	}
	c := layout.Cluster{Dir: t.dir(), Bin: set.Bin, Images: set.Images, Nodes: *nodes, Cgroup: t.group()}
	if err := p.step("certificates and control groups", func() error { return prepare(c) }); err != nil {
		return err
	}
	if err := t.bringUp(ctx, p, c); err != nil {
		fmt.Fprintln(os.Stderr, "The cluster is ended again. Its logs stay in", c.Path("logs"))
		return errors.Join(err, t.end(context.WithoutCancel(ctx), true))
	}
	fmt.Fprintf(os.Stderr, "The cluster is up. Use it with:  localcluster kubectl get nodes   or   localcluster run CMD\n"+
		"It is in a network of its own: API server %s, Ingresses http://%s. Logs: %s\n", layout.APIServer, layout.HostIP, c.Path("logs"))
	return nil
}

func (t *tool) check(context.Context, []string) error {
	if missing := machine.Check(t.dir()); len(missing) > 0 {
		return errors.New("this machine cannot run a cluster yet:\n  " + strings.Join(missing, "\n  "))
	}
	return nil
}

// group is a name that no cluster of another checkout has.
func (t *tool) group() string {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, t.dir())
	return fmt.Sprintf("localcluster-%08x", sum.Sum32())
}

// prepare writes everything that the first process inside reads.
func prepare(c layout.Cluster) error {
	for _, dir := range []string{"logs", "bin", "etcd", "images", "off", "nodes"} {
		if err := os.MkdirAll(c.Path(dir), 0o755); err != nil {
			return fmt.Errorf("make the cluster's directory: %w", err)
		}
	}
	if err := c.Save(); err != nil {
		return err
	}
	if err := os.WriteFile(c.Path("audit-policy.yaml"), manifests.AuditPolicy, 0o644); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	if err := copyTool(c.Tool()); err != nil {
		return err
	}
	if err := authority.Write(c); err != nil {
		return err
	}
	var nodes []string
	for n := 1; n <= c.Nodes; n++ {
		nodes = append(nodes, layout.NodeName(n))
	}
	return cgroup.Make(c.Cgroup, nodes)
}

func copyTool(to string) error {
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("copy this program: %w", err)
	}
	if err := os.WriteFile(to, text, 0o755); err != nil {
		return fmt.Errorf("copy this program: %w", err)
	}
	return nil
}

func (t *tool) bringUp(ctx context.Context, p *progress, c layout.Cluster) error {
	var s *session
	steps := []struct {
		name string
		do   func() error
	}{
		{"control plane", func() (err error) {
			if err := startControl(c); err != nil {
				return err
			}
			if s, err = t.awaitSession(ctx, c); err != nil {
				return err
			}
			s.waiting = p.patience()
			return s.await(ctx, settleTimeout, "apiserver", func() error { return s.client.Get(ctx, "/readyz", new(string)) })
		}},
		{fmt.Sprintf("%d nodes ready", c.Nodes), func() error { return s.await(ctx, settleTimeout, "node1", func() error { return s.nodesReady(ctx) }) }},
		// Only now, so that the two name servers are put on two nodes.
		{"rights, classes, name server, metrics", func() error { return applyObjects(ctx, s) }},
		{"name server and metrics serve", func() error {
			return s.await(ctx, settleTimeout, "node1-kubelet", func() error { return s.addonsReady(ctx) })
		}},
	}
	for _, step := range steps {
		if err := p.step(step.name, step.do); err != nil {
			return err
		}
	}
	return nil
}

// startControl starts the first process of the cluster; it goes on when this process has ended.
func startControl(c layout.Cluster) error {
	log, err := os.Create(c.Log("control"))
	if err != nil {
		return fmt.Errorf("make the cluster's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(c.Tool(), "control", c.Dir)
	cmd.Dir = c.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: control.Namespaces}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	return cmd.Process.Release()
}

func applyObjects(ctx context.Context, s *session) error {
	entries, err := manifests.Objects.ReadDir("objects")
	if err != nil {
		return fmt.Errorf("read the objects: %w", err)
	}
	var all strings.Builder
	for _, e := range entries {
		text, err := manifests.Objects.ReadFile("objects/" + e.Name())
		if err != nil {
			return fmt.Errorf("read the objects: %w", err)
		}
		all.WriteString("---\n")
		all.Write(text)
	}
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	out, err := s.output(ctx, strings.NewReader(all.String()), "kubectl", "apply", "--server-side", "-f", "-")
	if err != nil {
		return fmt.Errorf("apply the cluster's objects: %w\n%s", err, out)
	}
	return nil
}

// running gives the cluster and its first process; 0 if there is none.
func (t *tool) running() (layout.Cluster, int, error) {
	c, err := layout.Load(t.dir())
	if errors.Is(err, os.ErrNotExist) {
		return c, 0, nil
	}
	if err != nil {
		return c, 0, err
	}
	pid, err := process.LockHolder(c.Lock())
	return c, pid, err
}
