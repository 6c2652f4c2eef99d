package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// nameFile holds the server's name, on its volume.
const nameFile = "chatfleet-server-name"

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,253}$`)

// podName is the pod's name: the environment's POD_NAME, or else the host's.
func podName() (string, error) {
	if pod := os.Getenv("POD_NAME"); pod != "" {
		return pod, nil
	}
	pod, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("find the pod's name: %w", err)
	}
	return pod, nil
}

// serverName is the name that was made up when the volume was first used: <pod>-<6 hexadecimal digits>. The other servers hold what a server
// of that name has acknowledged against it, so that one whose volume was lost must not come back under its old name.
func serverName(dir, pod string) (string, error) {
	file := filepath.Join(dir, nameFile)
	written, err := os.ReadFile(file)
	if err == nil {
		if name := strings.TrimSpace(string(written)); validName.MatchString(name) {
			return name, nil
		}
		return "", fmt.Errorf("read the server's name: %s holds %q, which is none", file, written)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the server's name: %w", err)
	}
	random := make([]byte, 3)
	if _, err := rand.Read(random); err != nil {
		return "", fmt.Errorf("make up the server's name: %w", err)
	}
	name := pod + "-" + hex.EncodeToString(random)
	if !validName.MatchString(name) {
		return "", fmt.Errorf("make up the server's name: pod %q has no name for a server", pod)
	}
	if err := writeOnce(dir, file, name+"\n"); err != nil {
		return "", fmt.Errorf("keep the server's name: %w", err)
	}
	return name, nil
}

// writeOnce makes a file that is there with all its content, or not at all, whenever the power fails.
func writeOnce(dir, file, content string) error {
	unfinished, err := os.CreateTemp(dir, nameFile+".*")
	if err != nil {
		return err
	}
	defer os.Remove(unfinished.Name())
	_, err = unfinished.WriteString(content)
	if err = errors.Join(err, unfinished.Sync(), unfinished.Close()); err != nil {
		return err
	}
	if err := os.Rename(unfinished.Name(), file); err != nil {
		return err
	}
	parent, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}
