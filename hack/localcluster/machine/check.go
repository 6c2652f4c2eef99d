// Package machine says what a machine lacks for a local cluster, before anything is started on it.
package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/chatfleet/chatfleet/hack/localcluster/cgroup"
	"github.com/chatfleet/chatfleet/hack/localcluster/node"
)

// freeDisk is what three nodes need for their copies of the images, and Kubernetes for its programs, in bytes.
const freeDisk = 4 << 30

// Path is where Debian's programs are, for whoever starts this one with less.
const Path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// packages of Debian, by a program of each.
var packages = map[string]string{
	"containerd":                             "containerd",
	"runc":                                   "runc",
	filepath.Join(node.PluginDir, "bridge"):  "containernetworking-plugins",
	filepath.Join(node.PluginDir, "portmap"): "containernetworking-plugins",
	"iptables":                               "iptables",
	"nft":                                    "nftables",
	"conntrack":                              "conntrack",
	"nginx":                                  "nginx-light",
	"ip":                                     "iproute2",
}

// capabilities that the cluster needs of the process that starts it, by their number in capabilities(7).
var capabilities = map[int]string{
	0: "CAP_CHOWN", 1: "CAP_DAC_OVERRIDE", 5: "CAP_KILL", 6: "CAP_SETGID", 7: "CAP_SETUID", 8: "CAP_SETPCAP",
	10: "CAP_NET_BIND_SERVICE", 12: "CAP_NET_ADMIN", 13: "CAP_NET_RAW", 18: "CAP_SYS_CHROOT", 19: "CAP_SYS_PTRACE",
	21: "CAP_SYS_ADMIN", 27: "CAP_MKNOD", 31: "CAP_SETFCAP",
}

// Check gives what is missing, each as a sentence that says what to do; dir is where the cluster will be. Nothing is changed.
func Check(dir string) []string {
	if os.Geteuid() != 0 {
		return []string{"This is not root: run it as root, or with sudo."}
	}
	var missing []string
	add := func(problem string) {
		if problem != "" {
			missing = append(missing, problem)
		}
	}
	add(checkCapabilities())
	add(checkPackages())
	if lack := cgroup.Check(); lack != "" {
		add("The machine has " + lack + ".")
	}
	add(checkPlace(dir))
	if len(missing) == 0 { // the probe would fail for the same reasons
		missing = append(missing, probe(dir)...)
	}
	return missing
}

func checkCapabilities() string {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "Cannot read this process's capabilities: " + err.Error()
	}
	var effective uint64
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			effective, _ = strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	var lacking []string
	for bit, name := range capabilities {
		if effective&(1<<bit) == 0 {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) == 0 {
		return ""
	}
	slices.Sort(lacking)
	return "This process lacks " + strings.Join(lacking, ", ") + ": in a container, give them to it."
}

func checkPackages() string {
	var install []string
	for program, name := range packages {
		if _, err := exec.LookPath(program); err != nil {
			install = append(install, name)
		}
	}
	if len(install) == 0 {
		return ""
	}
	slices.Sort(install)
	return "Debian packages are missing: apt-get install --no-install-recommends " + strings.Join(slices.Compact(install), " ")
}

func checkPlace(dir string) string {
	for _, hidden := range node.Hidden {
		if strings.HasPrefix(dir, hidden+"/") {
			return fmt.Sprintf("The checkout lies below %s, in whose place a node has a directory of its own: move it.", hidden)
		}
	}
	var s unix.Statfs_t
	if err := unix.Statfs(existing(dir), &s); err != nil {
		return "Cannot look at the disk of " + dir + ": " + err.Error()
	}
	if s.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return dir + " lies on an overlay, on which nodes cannot put overlays of their own: mount a volume there."
	}
	if free := int64(s.Bavail) * s.Bsize; free < freeDisk {
		return fmt.Sprintf("There are %.1f GiB free at %s, and %d are needed.", float64(free)/(1<<30), dir, freeDisk>>30)
	}
	return ""
}

// existing gives the nearest directory above path that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == "/" {
			return path
		}
		path = filepath.Dir(path)
	}
}
