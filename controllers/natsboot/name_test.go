package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestANameThatIsNoneIsNotUsed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, nameFile), []byte("a b"), 0o644); err != nil {
		t.Fatal(err)
	}
	if name, err := serverName(dir, "lobby-nats-0"); err == nil || !strings.Contains(err.Error(), nameFile) {
		t.Errorf("got %q, %v", name, err)
	}
	if name, err := serverName(t.TempDir(), "with.dots"); err == nil {
		t.Errorf("a pod with a name that no server can have gave %q", name)
	}
	if name, err := serverName(filepath.Join(dir, "missing"), "lobby-nats-0"); err == nil {
		t.Errorf("a volume that isn't there gave %q", name)
	}
}

func TestNothingButTheNameIsLeftOnTheVolume(t *testing.T) {
	dir := t.TempDir()
	if _, err := serverName(dir, "lobby-nats-0"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != nameFile {
		t.Errorf("the volume holds %v, %v", entries, err)
	}
}
