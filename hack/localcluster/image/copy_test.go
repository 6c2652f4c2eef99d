package image

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCopyNamesImagesInFull(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("not much of a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for given, rest := range map[string]string{
		"chatfleet/node:dev":            "/chatfleet/node:dev",
		"localcluster.test/pause:dev":   "localcluster.test/pause:dev",
		"chatfleet/node":                "/chatfleet/node:latest",
		"localcluster.test:5000/a/b:v1": "localcluster.test:5000/a/b:v1",
	} {
		from, to := filepath.Join(dir, "from.tar"), filepath.Join(dir, "to.tar")
		if err := Write(from, given, program); err != nil {
			t.Fatal(err)
		}
		names, err := Copy(to, from)
		if err != nil || len(names) != 1 || !strings.HasSuffix(names[0], rest) || strings.HasPrefix(names[0], "/") {
			t.Errorf("Copy of %s names %v, %v", given, names, err)
			continue
		}
		again, err := Copy(filepath.Join(dir, "again.tar"), to)
		if err != nil || !slices.Equal(again, names) {
			t.Errorf("a copy of the copy names %v, %v, want %v", again, err, names)
		}
	}
}

func TestCopyRefusesWhatIsNoImage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, 2048), 0o644); err != nil {
		t.Fatal(err)
	}
	if names, err := Copy(file+".copy", file); err == nil {
		t.Errorf("an empty archive was taken for %v", names)
	}
}

func TestWriteGivesTheSameBytesAgain(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	if err := os.WriteFile(program, []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	var texts [2]string
	for i := range texts {
		file := filepath.Join(dir, "image.tar")
		if err := Write(file, "a/b:c", program); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Error("two writes differ")
	}
}
