// Package control is the first process inside a cluster's namespaces: the network between the nodes, the control plane and the power of the
// nodes. It lives as long as the cluster; the kernel ends everything else with it.
package control

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// readyTimeout bounds the start of the API server; on two idle cores it takes four seconds.
const readyTimeout = 2 * time.Minute

// Namespaces are what a process that calls Run must have been started with.
const Namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET

type host struct {
	cluster layout.Cluster
	init    *process.Init

	mu    sync.Mutex
	nodes map[int]running // by number, those that have power
}

// running is a node that has power.
type running struct {
	pid   int
	asked bool // its power was taken, so that its end is no failure
}

// Run runs the cluster that was saved in dir. It returns only if the cluster cannot start.
func Run(ctx context.Context, dir string) error {
	c, err := layout.Load(dir)
	if err != nil {
		return err
	}
	if err := process.TakeLock(c.Lock()); err != nil {
		return err
	}
	if err := privateMounts(); err != nil {
		return err
	}
	h := &host{cluster: c, init: process.NewInit(), nodes: map[int]running{}}
	if err := h.network(ctx); err != nil {
		return err
	}
	go h.keep(ctx, etcd(c))
	go h.keep(ctx, apiserver(c))
	if err := waitReady(ctx, c); err != nil {
		return err
	}
	go h.keep(ctx, controllerManager(c))
	go h.keep(ctx, scheduler(c))
	go h.keep(ctx, process.Command{Path: c.Tool(), Args: []string{"volumes", c.Dir}, Log: c.Log("volumes")})
	go h.keep(ctx, process.Command{Path: c.Tool(), Args: []string{"ingress", c.Dir}, Log: c.Log("ingress")})
	return h.followPower(ctx)
}

func (h *host) keep(ctx context.Context, c process.Command) { h.init.Keep(ctx, c) }

// privateMounts keeps the mounts of the cluster from the machine, and shows the processes of the namespace alone.
func privateMounts() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return nil
}

func (h *host) network(ctx context.Context) error {
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"link", "add", "br0", "type", "bridge"},
		{"address", "add", layout.HostNet, "dev", "br0"},
		{"link", "set", "br0", "up"},
	} {
		if err := h.ip(ctx, args...); err != nil {
			return err
		}
	}
	for n := 1; n <= h.cluster.Nodes; n++ {
		if err := h.ip(ctx, "route", "add", layout.NodePods(n), "via", layout.NodeIP(n)); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("let the bridge forward: %w", err)
	}
	return nil
}

func (h *host) ip(ctx context.Context, args ...string) error {
	return h.init.Run(ctx, process.Command{Path: "ip", Args: args})
}

func waitReady(ctx context.Context, c layout.Cluster) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	client, err := kube.New(c.Kubeconfig("admin"), nil)
	if err != nil {
		return err
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		if err = client.Get(ctx, "/readyz", new(string)); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the API server was not ready after %s (log: %s): %w", readyTimeout, c.Log("apiserver"), err)
		case <-again.C:
		}
	}
}
