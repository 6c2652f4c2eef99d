package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const buildDeadline = 10 * time.Minute

// cacheDir is where built programs are kept between test runs. It is made when
// missing.
func cacheDir(parts ...string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache: %w", err)
	}
	dir := filepath.Join(append([]string{base, "chatfleet"}, parts...)...)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	return dir, nil
}

// locked runs work while no other test binary does so in dir.
func locked(dir string, work func() error) error {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return work()
}

// goCommand runs the go tool in the root of the module and returns its output.
func goCommand(args ...string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildDeadline)
	defer cancel()
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = root
	output, err := command.Output()
	if err == nil {
		return strings.TrimSpace(string(output)), nil
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
}

// moduleRoot is the nearest directory upwards that has a go.mod: a test runs
// in its package's own directory.
func moduleRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the module: no go.mod above %s", start)
		}
	}
}

// buildNATSServer returns the path of nats-server in the version that go.mod
// names. It is built once per version, and kept.
func buildNATSServer() (string, error) {
	const module = "github.com/nats-io/nats-server/v2"
	version, err := goCommand("list", "-m", "-f", "{{.Version}}", module)
	if err != nil {
		return "", fmt.Errorf("find the version of nats-server: %w", err)
	}
	dir, err := cacheDir("nats-server", version+"-"+runtime.Version())
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "nats-server")
	return path, locked(dir, func() error {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		// The rename makes a build that was cut short invisible.
		unfinished := path + ".new"
		if _, err := goCommand("build", "-o", unfinished, module); err != nil {
			return fmt.Errorf("build nats-server: %w", err)
		}
		return os.Rename(unfinished, path)
	})
}
