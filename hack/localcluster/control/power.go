package control

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/cgroup"
	"github.com/chatfleet/chatfleet/hack/localcluster/fake"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// followPower gives and takes power as the files of layout.Cluster.Off say, at each hangup signal and each end of a node; and starts to play
// fake nodes once they are wanted.
func (h *host) followPower(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	ended := make(chan struct{}, 1)
	faking := false
	for {
		if !faking && fake.Wanted(h.cluster) {
			faking = true
			go h.keep(ctx, fake.Command(h.cluster))
		}
		for n := 1; n <= h.cluster.Nodes; n++ {
			if err := h.setPower(ctx, n, ended); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", layout.NodeName(n), err)
			}
		}
		if err := h.routeServices(ctx); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-signals:
		case <-ended:
		}
	}
}

func (h *host) setPower(ctx context.Context, n int, ended chan<- struct{}) error {
	_, err := os.Stat(h.cluster.Off(n))
	on := err != nil
	h.mu.Lock()
	node, has := h.nodes[n]
	h.mu.Unlock()
	switch {
	case on && !has:
		if err := h.startNode(ctx, n, ended); err != nil {
			return h.fail(n, err)
		}
	case !on && has && !node.asked:
		return h.stopNode(ctx, n, node)
	}
	return nil
}

// fail switches a node off that failed: it stays off, as a machine would, until somebody switches it on.
func (h *host) fail(n int, why error) error {
	if err := os.WriteFile(h.cluster.Off(n), nil, 0o644); err != nil {
		return fmt.Errorf("%w (and cannot be switched off: %w)", why, err)
	}
	return why
}

// stopNode pulls the cable first: a machine without power says no goodbye, but the kernel would, to every peer of a killed process.
func (h *host) stopNode(ctx context.Context, n int, node running) error {
	node.asked = true
	h.mu.Lock()
	h.nodes[n] = node
	h.mu.Unlock()
	if err := h.ip(ctx, "link", "delete", port(n)); err != nil {
		return err
	}
	if err := syscall.Kill(node.pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("take power: %w", err)
	}
	return nil
}

// routeServices leads from the host, where tests and the API server are, to Services: through the first node that has power.
func (h *host) routeServices(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := 1; n <= h.cluster.Nodes; n++ {
		if node, has := h.nodes[n]; has && !node.asked {
			return h.ip(ctx, "route", "replace", layout.ServiceNet, "via", layout.NodeIP(n))
		}
	}
	return nil
}

// port is the name of the bridge's end of the cable to node n.
func port(n int) string { return fmt.Sprintf("port%d", n) }

// startNode starts the first process of a node and plugs its cable in.
func (h *host) startNode(ctx context.Context, n int, ended chan<- struct{}) error {
	name := layout.NodeName(n)
	if err := h.emptyGroup(ctx, name); err != nil {
		return err
	}
	pid, end, err := h.init.Start(process.Command{
		Path: h.cluster.Tool(),
		Args: []string{"node", h.cluster.Dir, fmt.Sprint(n)},
		Log:  h.cluster.Log(name),
		Sys:  &syscall.SysProcAttr{Setsid: true, Cloneflags: Namespaces | syscall.CLONE_NEWUTS},
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.nodes[n] = running{pid: pid}
	h.mu.Unlock()
	go func() {
		status := <-end
		h.nodeEnded(ctx, n, status)
		ended <- struct{}{}
	}()
	if err := h.ip(ctx, "link", "add", port(n), "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(pid)); err != nil {
		return err
	}
	return h.ip(ctx, "link", "set", port(n), "master", "br0", "up")
}

func (h *host) nodeEnded(ctx context.Context, n int, status syscall.WaitStatus) {
	h.mu.Lock()
	asked := h.nodes[n].asked
	delete(h.nodes, n)
	h.mu.Unlock()
	how := process.Describe(status)
	if asked {
		fmt.Fprintf(os.Stderr, "%s lost its power\n", layout.NodeName(n))
		return
	}
	// The kernel removes the cable with the node's network, but that lives on for as long as one of its connections does.
	_ = h.init.Run(ctx, process.Command{Path: "ip", Args: []string{"link", "delete", port(n)}, Log: os.DevNull})
	fmt.Fprintln(os.Stderr, h.fail(n, fmt.Errorf("%s ended (%s) and stays off; its log is %s", layout.NodeName(n), how, h.cluster.Log(layout.NodeName(n)))))
}

// emptyGroup waits for the last processes that the node had when it lost its power.
func (h *host) emptyGroup(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return cgroup.Empty(ctx, h.cluster.Cgroup, name)
}
