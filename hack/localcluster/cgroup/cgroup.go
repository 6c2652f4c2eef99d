// Package cgroup makes and removes the control groups in which the kubelets of a local cluster keep their pods, in either layout of the
// machine: the old one with a hierarchy for each controller (v1), or the one hierarchy of today (v2).
package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const mountPoint = "/sys/fs/cgroup"

// needed are the controllers without which a kubelet does not start; wanted are the others that containers are put into.
var (
	needed = []string{"cpu", "cpuset", "memory", "pids"}
	wanted = []string{"cpuacct", "blkio", "devices", "freezer", "systemd", "perf_event", "net_cls", "net_prio", "hugetlb", "rdma", "misc", "unified"}
)

// Unified says whether the machine has the one hierarchy of cgroup v2.
func Unified() bool {
	var s unix.Statfs_t
	return unix.Statfs(mountPoint, &s) == nil && s.Type == unix.CGROUP2_SUPER_MAGIC
}

// Check says what the machine lacks, or "".
func Check() string {
	var missing []string
	if Unified() {
		text, err := os.ReadFile(filepath.Join(mountPoint, "cgroup.controllers"))
		if err != nil {
			return "cannot read the controllers of cgroup v2: " + err.Error()
		}
		for _, c := range needed {
			if !slices.Contains(strings.Fields(string(text)), c) {
				missing = append(missing, c)
			}
		}
	} else {
		for _, c := range needed {
			if !isHierarchy(filepath.Join(mountPoint, c)) {
				missing = append(missing, c)
			}
		}
	}
	if len(missing) > 0 {
		return "control groups without the controllers " + strings.Join(missing, ", ")
	}
	return ""
}

func isHierarchy(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.procs"))
	return err == nil
}

func hierarchies() []string {
	if Unified() {
		return []string{mountPoint}
	}
	var found []string
	for _, c := range slices.Concat(needed, wanted) {
		if dir := filepath.Join(mountPoint, c); isHierarchy(dir) {
			found = append(found, dir)
		}
	}
	return found
}

// Make makes group name with the given children, in every hierarchy.
func Make(name string, children []string) error {
	for _, h := range hierarchies() {
		parents := []string{h, filepath.Join(h, name)}
		for _, child := range children {
			if err := os.MkdirAll(filepath.Join(h, name, child), 0o755); err != nil {
				return fmt.Errorf("make a control group: %w", err)
			}
		}
		var err error
		if Unified() {
			err = delegate(parents)
		} else if filepath.Base(h) == "cpuset" {
			err = inheritCPUs(h, name, children)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// delegate lets children have the controllers (v2), top down.
func delegate(parents []string) error {
	for _, p := range parents {
		text := "+" + strings.Join(needed, " +")
		if err := os.WriteFile(filepath.Join(p, "cgroup.subtree_control"), []byte(text), 0o644); err != nil {
			return fmt.Errorf("hand controllers down: %w", err)
		}
	}
	return nil
}

// inheritCPUs fills what a new group of the old cpuset hierarchy leaves empty, and without which no process may enter it.
func inheritCPUs(h, name string, children []string) error {
	groups := []string{filepath.Join(h, name)}
	for _, child := range children {
		groups = append(groups, filepath.Join(h, name, child))
	}
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		text, err := os.ReadFile(filepath.Join(h, file))
		if err != nil {
			return fmt.Errorf("read what CPUs there are: %w", err)
		}
		for _, g := range groups {
			if err := os.WriteFile(filepath.Join(g, file), text, 0o644); err != nil {
				return fmt.Errorf("give a control group its CPUs: %w", err)
			}
		}
	}
	return nil
}

// Remove removes the group with all below it from every hierarchy. Its processes must be ending: it tries until ctx ends.
func Remove(ctx context.Context, name string) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := removeAll(name)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove control groups: %w", err)
		case <-again.C:
		}
	}
}

// Empty removes what is below one child of group name, as a machine loses it with its power: a kubelet would search for each old container
// for seconds.
func Empty(ctx context.Context, name, child string) error {
	if err := Remove(ctx, filepath.Join(name, child)); err != nil {
		return err
	}
	return Make(name, []string{child})
}

// Exists says whether group name is in any hierarchy.
func Exists(name string) bool {
	return slices.ContainsFunc(hierarchies(), func(h string) bool {
		_, err := os.Stat(filepath.Join(h, name))
		return err == nil
	})
}

func removeAll(name string) error {
	var failed []error
	for _, h := range hierarchies() {
		var dirs []string
		_ = filepath.WalkDir(filepath.Join(h, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil // a group that vanishes while it is walked is what is wanted
		})
		slices.Reverse(dirs)
		for _, dir := range dirs {
			if err := unix.Rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
				failed = append(failed, fmt.Errorf("%s: %w", dir, err))
			}
		}
	}
	return errors.Join(failed...)
}
