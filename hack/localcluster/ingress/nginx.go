package ingress

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// nginx is the server's master process.
type nginx struct {
	dir   string
	cmd   *exec.Cmd // nil until the first configuration
	ended chan error
}

// configure checks a configuration, and then starts nginx with it or has it change over.
func (n *nginx) configure(ctx context.Context, text []byte) error {
	if err := n.check(ctx, text); err != nil {
		return err
	}
	file := filepath.Join(n.dir, "nginx.conf")
	if err := os.Rename(n.fresh(), file); err != nil {
		return fmt.Errorf("write the configuration of nginx: %w", err)
	}
	if n.cmd != nil {
		return n.cmd.Process.Signal(syscall.SIGHUP)
	}
	return n.start(file)
}

func (n *nginx) fresh() string { return filepath.Join(n.dir, "nginx.conf.new") }

// check writes a configuration beside the current one and lets nginx read it.
func (n *nginx) check(ctx context.Context, text []byte) error {
	if err := os.WriteFile(n.fresh(), text, 0o600); err != nil {
		return fmt.Errorf("write the configuration of nginx: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "nginx", n.args(n.fresh(), "-t")...).CombinedOutput(); err != nil {
		return fmt.Errorf("nginx refuses its configuration %s: %w\n%s", n.fresh(), err, out)
	}
	return nil
}

// start starts nginx on a thread of its own, which lives as long as nginx does: so that nginx ends with this process, however that ends.
func (n *nginx) start(file string) error {
	started := make(chan error)
	cmd := exec.Command("nginx", n.args(file)...)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	go func() {
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- fmt.Errorf("start nginx: %w", err)
			return
		}
		started <- nil
		n.ended <- cmd.Wait()
	}()
	err := <-started
	if err == nil {
		n.cmd = cmd
	}
	return err
}

func (n *nginx) stop() {
	if n.cmd != nil {
		_ = n.cmd.Process.Kill()
	}
}

func (n *nginx) args(file string, more ...string) []string {
	return append([]string{"-e", "stderr", "-p", n.dir, "-c", file}, more...)
}
