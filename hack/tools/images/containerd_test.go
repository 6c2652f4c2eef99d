package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// containerdConfig keeps a containerd away from every other one.
const containerdConfig = `version = 2
root = %[1]q
state = %[2]q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = %[3]q
[ttrpc]
address = %[4]q
`

// startContainerd runs a containerd of the test's own and gives its address.
func startContainerd(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"containerd", "ctr"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s: apt-get install containerd", tool)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("needs root: containerd unpacks images")
	}
	dir, err := os.MkdirTemp("", "ctrd") //nolint:usetesting // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	address, config := filepath.Join(dir, "c"), filepath.Join(dir, "config.toml")
	text := fmt.Sprintf(containerdConfig, filepath.Join(dir, "root"), filepath.Join(dir, "state"), address, filepath.Join(dir, "t"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	daemon := exec.CommandContext(t.Context(), "containerd", "--config", config)
	daemon.Stderr = &log
	daemon.Cancel = func() error { return daemon.Process.Signal(syscall.SIGTERM) }
	daemon.WaitDelay = 20 * time.Second
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = daemon.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for exec.CommandContext(ctx, "ctr", "--address", address, "version").Run() != nil {
		select {
		case <-ctx.Done():
			t.Fatal("containerd does not answer")
		case <-tick.C:
		}
	}
	return address
}

func TestContainerdImportsTheArchiveUnderItsName(t *testing.T) {
	address, file := startContainerd(t), archived(t, built(t))
	ctr := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), "ctr", append([]string{"--address", address, "--namespace", "k8s.io"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("ctr %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	ctr("images", "import", file)
	ctr("images", "import", "--all-platforms", file)
	list := ctr("images", "ls")
	// The name is the one that a kubelet looks for when a pod says chatfleet/small:1.2.3.
	for _, want := range []string{"io/chatfleet/small:1.2.3 ", "linux/amd64,linux/arm64"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
}
