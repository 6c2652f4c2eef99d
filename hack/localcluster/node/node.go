// Package node is the first process inside a node's namespaces: it makes them look like a machine of their own, and runs containerd, the
// kubelet and the proxy. Killing it is the same as taking the machine's power: nothing of it goes on, and its disk stays.
package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// startTimeout bounds each wait while a node starts.
const startTimeout = time.Minute

// machine is a node while it runs.
type machine struct {
	cluster layout.Cluster
	number  int
	init    *process.Init
}

// Run runs node n of the cluster that was saved in dir. It returns only if the node cannot start.
func Run(ctx context.Context, dir string, n int) error {
	c, err := layout.Load(dir)
	if err != nil {
		return err
	}
	m := &machine{cluster: c, number: n, init: process.NewInit()}
	if err := syscall.Sethostname([]byte(layout.NodeName(n))); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := m.mounts(); err != nil {
		return err
	}
	if err := m.network(ctx); err != nil {
		return err
	}
	if err := m.writeConfigs(); err != nil {
		return err
	}
	go m.init.Keep(ctx, m.containerd())
	if err := m.waitContainerd(ctx); err != nil {
		return err
	}
	if err := m.importImages(ctx); err != nil {
		return err
	}
	go m.init.Keep(ctx, m.proxy())
	m.init.Keep(ctx, m.kubelet())
	return ctx.Err()
}

func (m *machine) path(elem ...string) string {
	return filepath.Join(append([]string{m.cluster.NodeDir(m.number)}, elem...)...)
}

func (m *machine) log(name string) string {
	return m.cluster.Log(layout.NodeName(m.number) + "-" + name)
}

// network waits for the cable, which the host plugs in, and configures it.
func (m *machine) network(ctx context.Context) error {
	if err := waitFor(ctx, "the network cable eth0", func() error {
		_, err := net.InterfaceByName("eth0")
		return err
	}); err != nil {
		return err
	}
	commands := [][]string{
		{"link", "set", "lo", "up"},
		{"address", "add", layout.NodeIP(m.number) + "/24", "dev", "eth0"},
		{"link", "set", "eth0", "up"},
		{"route", "add", "default", "via", layout.HostIP}, // which has no way out itself
	}
	for other := 1; other <= m.cluster.Nodes; other++ {
		if other != m.number {
			commands = append(commands, []string{"route", "add", layout.NodePods(other), "via", layout.NodeIP(other)})
		}
	}
	for _, args := range commands {
		if err := m.init.Run(ctx, process.Command{Path: "ip", Args: args}); err != nil {
			return err
		}
	}
	return writeAll(map[string]string{"/proc/sys/net/ipv4/ip_forward": "1"})
}

// importImages gives containerd the images that it does not have yet; a node that comes back has most of them on its disk.
func (m *machine) importImages(ctx context.Context) error {
	for _, dir := range []string{m.cluster.Images, m.cluster.Loaded()} {
		archives, err := filepath.Glob(filepath.Join(dir, "*.tar"))
		if err != nil {
			return fmt.Errorf("list images: %w", err)
		}
		for _, archive := range archives {
			if err := m.importImage(ctx, archive); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *machine) importImage(ctx context.Context, archive string) error {
	info, err := os.Stat(archive)
	if err != nil {
		return fmt.Errorf("import an image: %w", err)
	}
	done := m.path("imported", fmt.Sprintf("%s-%d", filepath.Base(archive), info.ModTime().UnixNano()))
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = m.init.Run(ctx, process.Command{Path: "ctr", Args: ImportArgs(archive), Log: m.log("import")})
	if err != nil {
		return fmt.Errorf("import image %s (log: %s): %w", archive, m.log("import"), err)
	}
	return os.WriteFile(done, nil, 0o644)
}

// ImportArgs are the arguments with which containerd's ctr imports an image for the kubelet, inside a node.
func ImportArgs(archive string) []string {
	return []string{"--address", socket, "--namespace", "k8s.io", "images", "import", archive}
}

func (m *machine) waitContainerd(ctx context.Context) error {
	return waitFor(ctx, "containerd (log: "+m.log("containerd")+")", func() error {
		return m.init.Run(ctx, process.Command{Path: "ctr", Args: []string{"--address", socket, "version"}, Log: os.DevNull})
	})
}

func waitFor(ctx context.Context, what string, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-again.C:
		}
	}
}

func writeAll(files map[string]string) error {
	for path, text := range files {
		if err := os.WriteFile(path, []byte(strings.TrimLeft(text, "\n")), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}
