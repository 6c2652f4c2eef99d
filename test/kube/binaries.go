package kube

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// binVariable names the folder with the binaries; a test run elsewhere than in the repository needs it.
const binVariable = "CHATFLEET_KUBE_BIN"

// combined is the one binary that is every component, told which by the name it is called with.
const combined = "components"

// errNoBinaries says what to do.
var errNoBinaries = errors.New("there is no kube-apiserver to test with: run `make kubernetes` (minutes, once), or set " + binVariable +
	" to a folder with kube-apiserver and etcd")

// repository is the nearest folder upwards with a go.mod: a test runs in its package's own folder.
func repository() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find the repository: no go.mod above %s", start)
		}
	}
}

// findPrograms returns the paths of kube-apiserver and etcd, by name.
func findPrograms(root string) (map[string]string, error) {
	dir := os.Getenv(binVariable)
	if dir == "" {
		dir = filepath.Join(root, ".cache", "kubernetes", "current", "bin")
	}
	found := map[string]string{}
	for _, name := range []string{apiServerName, etcdName} {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			path = filepath.Join(dir, combined)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w (looked for %s in %s)", errNoBinaries, name, dir)
		}
		found[name] = path
	}
	return found, nil
}
