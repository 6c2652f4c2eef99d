package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

const noCluster = "SKIPPED: test/e2e needs a Kubernetes cluster: run `make e2e`, or KUBECONFIG=… go test ./test/e2e"

func TestMain(m *testing.M) {
	if os.Getenv("KUBECONFIG") == "" {
		fmt.Println(noCluster)
		os.Exit(m.Run())
	}
	if err := openFigures(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := theWorld.close(); err != nil {
		fmt.Fprintln(os.Stderr, "clean up:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// root is the repository's folder.
var root = func() string {
	_, file, _, _ := runtime.Caller(0)
	if dir := filepath.Join(filepath.Dir(file), "..", ".."); exists(filepath.Join(dir, "go.mod")) {
		return dir
	}
	dir, err := filepath.Abs("../..") // built with -trimpath
	if err != nil {
		panic(err)
	}
	return dir
}()

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// cache is a path below the repository's cache.
func cache(elements ...string) string {
	return filepath.Join(append([]string{root, ".cache"}, elements...)...)
}

// fromEnvironment is a variable of the environment, or usual.
func fromEnvironment(name, usual string) string {
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return usual
}
