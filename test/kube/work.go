package kube

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// workName is the beginning of the name of a server's folder.
const workName = "chatfleet-kube-"

// workFolder makes a folder for one server, and removes those of test processes that were killed before they could.
func workFolder() (string, error) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), workName+"*"))
	if err != nil {
		return "", fmt.Errorf("look for folders that were left: %w", err)
	}
	for _, dir := range left {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), workName+"%d-", &pid); err == nil && syscall.Kill(pid, 0) == syscall.ESRCH {
			_ = os.RemoveAll(dir) // somebody else's folder stays
		}
	}
	work, err := os.MkdirTemp("", fmt.Sprintf("%s%d-", workName, os.Getpid()))
	if err != nil {
		return "", fmt.Errorf("make a folder for the API server: %w", err)
	}
	for _, name := range []string{"data", "certs"} {
		if err := os.Mkdir(filepath.Join(work, name), 0o700); err != nil {
			return "", fmt.Errorf("make a folder for the API server: %w", err)
		}
	}
	return work, nil
}
