// Localcluster runs a real Kubernetes on this machine, without a container engine and without pulling an image: etcd and the control plane,
// and nodes with their own containerd, kubelet and proxy, all in namespaces of the kernel that have no way out and leave nothing behind.
//
// Commands come in as arguments; a cluster comes out, whose files lie in .cache/cluster of the checkout. README.md tells the whole story.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/chatfleet/chatfleet/hack/localcluster/binaries"
	"github.com/chatfleet/chatfleet/hack/localcluster/control"
	"github.com/chatfleet/chatfleet/hack/localcluster/ingress"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/machine"
	"github.com/chatfleet/chatfleet/hack/localcluster/node"
	"github.com/chatfleet/chatfleet/hack/localcluster/volume"
)

const usage = `localcluster runs a real Kubernetes on this machine.

  check               tell what this machine lacks for a cluster
  build               build Kubernetes into .cache/kubernetes (once; up does it too)
  up [--nodes N]      start a cluster (3 nodes) and wait until it serves
  down                end it; nothing stays
  status              tell what runs, since when, and where the logs are
  run CMD [ARG...]    run a program where the cluster's users are, with KUBECONFIG set
  kubectl [ARG...]    the same with kubectl
  load IMAGE.tar...   give images (OCI archives) to every node
  fake-nodes N        add N nodes that only exist in the API server (KWOK), fake1 to fakeN
  node-off N          take power from node N
  node-on N           give it back, and wait until the node is ready
`

// module is this module's directory in the checkout.
const module = "hack/localcluster"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "localcluster:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return errors.New("which command?")
	}
	command, args := args[0], args[1:]
	if inner, found := inside[command]; found {
		return inner(ctx, args)
	}
	run, found := map[string]func(*tool, context.Context, []string) error{
		"check": (*tool).check, "build": (*tool).build, "up": (*tool).up, "down": (*tool).down, "status": (*tool).status, "run": (*tool).run,
		"kubectl": (*tool).kubectl, "load": (*tool).load, "node-off": (*tool).nodeOff, "node-on": (*tool).nodeOn,
		"fake-nodes": (*tool).fakeNodes,
	}[command]
	if !found {
		fmt.Fprint(os.Stderr, usage)
		return fmt.Errorf("there is no command %q", command)
	}
	if err := os.Setenv("PATH", os.Getenv("PATH")+":"+machine.Path); err != nil {
		return fmt.Errorf("extend PATH: %w", err)
	}
	t, err := findCheckout()
	if err != nil {
		return err
	}
	if !filepath.IsAbs(t.dir()) {
		return fmt.Errorf("LOCALCLUSTER_DIR must be absolute, not %s", t.dir())
	}
	return run(t, ctx, args)
}

// inside are the commands that the tool calls itself with, inside the namespaces.
var inside = map[string]func(context.Context, []string) error{
	"control": func(ctx context.Context, args []string) error { return control.Run(ctx, args[0]) },
	"node": func(ctx context.Context, args []string) error {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return fmt.Errorf("number of the node: %w", err)
		}
		return node.Run(ctx, args[0], n)
	},
	"ingress": func(ctx context.Context, args []string) error { return withCluster(ctx, args[0], ingress.Run) },
	"volumes": func(ctx context.Context, args []string) error { return withCluster(ctx, args[0], volume.Run) },
	"probe":   func(_ context.Context, args []string) error { machine.Probe(args[0]); return nil },
}

func withCluster(ctx context.Context, dir string, run func(context.Context, layout.Cluster) error) error {
	c, err := layout.Load(dir)
	if err != nil {
		return err
	}
	return run(ctx, c)
}

// tool is one call of the program, in one checkout.
type tool struct {
	root string // of the checkout
}

// findCheckout looks upward from the working directory.
func findCheckout() (*tool, error) {
	start, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the checkout: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, module, "go.mod")); err == nil {
			return &tool{root: dir}, nil
		}
		if dir == "/" {
			return nil, fmt.Errorf("neither %s nor a directory above it holds %s: call it in the checkout", start, module)
		}
	}
}

// dir is where the cluster is. Another one than the checkout's own lets two clusters run side by side: they share nothing but the programs.
func (t *tool) dir() string {
	if dir := os.Getenv("LOCALCLUSTER_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(t.root, ".cache", "cluster")
}

// only keeps other calls from changing what is below dir at the same time. The lock is on the directory itself, or the one above if it goes
// with the cluster, so that no file of it stays.
func only(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another call is at work in %s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}

func (t *tool) builder() binaries.Builder {
	return binaries.Builder{Module: filepath.Join(t.root, module), Cache: filepath.Join(t.root, ".cache", "kubernetes")}
}
