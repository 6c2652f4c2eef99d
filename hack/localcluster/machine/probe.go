package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// probe tries what the kernel must be able to do, in namespaces that end with the attempt.
func probe(dir string) []string {
	scratch, err := os.MkdirTemp(existing(dir), "probe")
	if err != nil {
		return []string{"Cannot write below " + dir + ": " + err.Error()}
	}
	defer os.RemoveAll(scratch)
	cmd := exec.Command("/proc/self/exe", "probe", scratch)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	text, err := cmd.Output()
	lacking := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err != nil {
		return []string{fmt.Sprintf("Cannot make namespaces of processes, mounts and networks: %v", err)}
	}
	if lacking[0] == "" {
		return nil
	}
	return lacking
}

// Probe is what runs in the namespaces; it prints what fails.
func Probe(scratch string) {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		fmt.Println("The kernel does not let mounts be made private:", err)
		return
	}
	for what, args := range map[string][]string{
		"bridges (module bridge)":             {"ip", "link", "add", "type", "bridge"},
		"virtual network cables (veth)":       {"ip", "link", "add", "type", "veth"},
		"packet filter tables (nf_tables)":    {"nft", "add", "table", "ip", "probe"},
		"address translation (nf_tables nat)": {"nft", "add table ip p; add chain ip p c { type nat hook postrouting priority 100; }; add rule ip p c masquerade"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			fmt.Printf("The kernel has no %s: %s\n", what, strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", " "))
		}
	}
	dirs := map[string]string{}
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		dirs[name] = filepath.Join(scratch, name)
		if err := os.Mkdir(dirs[name], 0o755); err != nil {
			fmt.Println("Cannot write on the disk of the cluster:", err)
			return
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", dirs["lower"], dirs["upper"], dirs["work"])
	if err := syscall.Mount("overlay", dirs["merged"], "overlay", 0, options); err != nil {
		fmt.Println("The kernel cannot mount an overlay here (overlayfs):", err)
	}
}
