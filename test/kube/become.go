package kube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	apiServerName = "kube-apiserver"
	etcdName      = "etcd"
)

// The test binary is started under the name of a program, with these in its environment.
const (
	parentVariable  = "CHATFLEET_KUBE_PARENT"
	workVariable    = "CHATFLEET_KUBE_WORK"     // the server's folder
	programVariable = "CHATFLEET_KUBE_PROGRAM_" // followed by the name
)

// becomeProgram turns this process into kube-apiserver or etcd if it was started under that name, and returns if not. Before, it has the
// kernel kill it together with its parent, for which envtest has no means, and leaves its process id.
func becomeProgram() {
	name := filepath.Base(os.Args[0])
	path := os.Getenv(programVariable + name)
	if path == "" {
		return
	}
	fmt.Fprintf(os.Stderr, "become %s: %v\n", name, become(name, path))
	os.Exit(1)
}

// become returns only if it fails.
func become(name, path string) error {
	if err := dieWithParent(); err != nil {
		return fmt.Errorf("ask for the death signal: %w", err)
	}
	if os.Getenv(parentVariable) != strconv.Itoa(os.Getppid()) {
		return errors.New("the test is gone")
	}
	if err := os.WriteFile(pidFile(os.Getenv(workVariable), name), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return fmt.Errorf("leave the process id: %w", err)
	}
	// The combined binary goes by the name it is called with.
	return syscall.Exec(path, append([]string{name}, os.Args[1:]...), os.Environ())
}

// prepareBecoming makes programs that are this test binary, to be started as children of this process; it returns their paths by name.
func prepareBecoming(work string, programs map[string]string) (map[string]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the test binary: %w", err)
	}
	environment := map[string]string{parentVariable: strconv.Itoa(os.Getpid()), workVariable: work}
	links := map[string]string{}
	for name, path := range programs {
		environment[programVariable+name] = path
		links[name] = filepath.Join(work, name)
		if err := os.Symlink(self, links[name]); err != nil {
			return nil, fmt.Errorf("stand in for %s: %w", name, err)
		}
	}
	for name, value := range environment {
		if err := os.Setenv(name, value); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	return links, nil
}

func pidFile(work, name string) string { return filepath.Join(work, name+".pid") }

// kill ends the program at once: what it keeps is thrown away, and a graceful end would wait a minute for every open watch.
func kill(work, name string) error {
	content, err := os.ReadFile(pidFile(work, name))
	if err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	pid, err := strconv.Atoi(string(content))
	if err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	return nil
}
