package node

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Hidden are the directories of the machine in whose place a node has its own. The cluster's directory must not lie below one of them.
var Hidden = []string{"/run", "/var/lib", "/var/log"}

// sysctls are settings of the whole machine that a kubelet or a proxy sets to these values. In a node a file lies over each of them, which
// holds the value already: so nothing is written, and the machine stays as it is.
var sysctls = map[string]string{
	"vm/overcommit_memory":      "1",
	"vm/panic_on_oom":           "0",
	"kernel/panic":              "10",
	"kernel/panic_on_oops":      "1",
	"kernel/keys/root_maxkeys":  "1000000",
	"kernel/keys/root_maxbytes": "25000000",
}

// mounts gives the node what each machine has for itself: processes, /run, and /var/lib and /var/log on its disk.
func (m *machine) mounts() error {
	// Private, so that the machine sees nothing of it; then shared, for containers are to see what is mounted into them later.
	for _, flag := range []uintptr{syscall.MS_PRIVATE, syscall.MS_SHARED} {
		if err := syscall.Mount("", "/", "", syscall.MS_REC|flag, ""); err != nil {
			return fmt.Errorf("separate mounts: %w", err)
		}
	}
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, dir := range []string{"lib", "log", "imported", "sysctl", "net.d"} {
		if err := os.MkdirAll(m.path(dir), 0o755); err != nil {
			return fmt.Errorf("make the node's disk: %w", err)
		}
	}
	if err := syscall.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	for dir, at := range map[string]string{"lib": "/var/lib", "log": "/var/log"} {
		if err := bind(m.path(dir), at); err != nil {
			return err
		}
	}
	for name, value := range sysctls {
		if _, err := os.Stat(filepath.Join("/proc/sys", name)); err != nil {
			continue // a kernel without it
		}
		file := m.path("sysctl", filepath.Base(name))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return fmt.Errorf("shield %s: %w", name, err)
		}
		if err := bind(file, filepath.Join("/proc/sys", name)); err != nil {
			return err
		}
	}
	return nil
}

func bind(from, at string) error {
	if err := syscall.Mount(from, at, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", from, at, err)
	}
	return nil
}
