package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/cgroup"
)

// endTimeout bounds how long the kernel may take to end all processes of a cluster.
const endTimeout = 30 * time.Second

// down ends the cluster, or removes what is left of one that crashed.
func (t *tool) down(ctx context.Context, _ []string) error {
	release, err := only(filepath.Dir(t.dir()))
	if err != nil {
		return err
	}
	defer release()
	return t.end(ctx, false)
}

// end kills the first process of the cluster; the kernel kills all others with it, and drops their mounts and networks. Then it removes
// the files, or all but the logs.
func (t *tool) end(ctx context.Context, keepLogs bool) error {
	_, pid, err := t.running()
	if err != nil {
		fmt.Fprintln(os.Stderr, "What is left of the cluster is not readable, and removed:", err)
	}
	if pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("end the cluster: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, endTimeout)
	defer cancel()
	err = poll(ctx, endTimeout, func() error {
		if _, pid, err := t.running(); err == nil && pid != 0 {
			return fmt.Errorf("process %d does not end", pid)
		}
		return nil
	})
	if err != nil {
		return err
	}
	// A control group goes only when its last process has gone, so this waits for all pods.
	if err := cgroup.Remove(ctx, t.group()); err != nil {
		return err
	}
	return poll(ctx, endTimeout, func() error { return t.removeFiles(keepLogs) })
}

func (t *tool) removeFiles(keepLogs bool) error {
	if mounted, err := mountedBelow(t.dir()); err != nil || mounted != "" {
		return errors.Join(fmt.Errorf("%s is mounted, so nothing is deleted", mounted), err)
	}
	if !keepLogs {
		return os.RemoveAll(t.dir())
	}
	entries, err := os.ReadDir(t.dir())
	if err != nil {
		return fmt.Errorf("list the cluster's files: %w", err)
	}
	var failed []error
	for _, e := range entries {
		if e.Name() != "logs" {
			failed = append(failed, os.RemoveAll(filepath.Join(t.dir(), e.Name())))
		}
	}
	return errors.Join(failed...)
}

// mountedBelow gives a mount below dir, if there is one: deleting through it would delete what is not ours.
func mountedBelow(dir string) (string, error) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("list mounts: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			return fields[4], nil
		}
	}
	return "", nil
}
