// Package binaries builds Kubernetes from the requirements of this module, once for each state of them, and the images that every node needs.
package binaries

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/chatfleet/chatfleet/hack/localcluster/image"
	"github.com/chatfleet/chatfleet/hack/localcluster/node"
)

// links are the names by which the one program of package components is called.
var links = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}

// own are the programs of this module, and tools those of its requirements.
var (
	own   = []string{"./components", "./coredns", "./metricsserver", "./pause"}
	tools = []string{"helm.sh/helm/v4/cmd/helm", "sigs.k8s.io/kwok/cmd/kwok"}
)

// images are the programs that run as pods, by the name of the image.
var images = map[string]string{
	"pause":         node.PauseImage,
	"coredns":       "localcluster.test/coredns:dev",
	"metricsserver": "localcluster.test/metrics-server:dev",
}

// Set is one state of the programs.
type Set struct {
	Key    string // version and hash of all that they are made of
	Bin    string // directory of the programs
	Images string // directory of the images' archives

	flags string // of the linker
}

// Builder builds into a cache.
type Builder struct {
	Module string                      // directory of this module
	Cache  string                      // .cache/kubernetes
	Report func(done int, what string) // called while it compiles; done counts packages
}

// Current gives the set for the module as it is, and whether it is built.
func (b Builder) Current(ctx context.Context) (Set, bool, error) {
	flags, version, err := b.stamps(ctx)
	if err != nil {
		return Set{}, false, err
	}
	hash := sha256.New()
	fmt.Fprintln(hash, runtime.Version(), runtime.GOARCH, flags, links, own, tools, images)
	files := []string{"go.mod", "go.sum", "image/write.go"}
	for _, dir := range own {
		sources, err := filepath.Glob(filepath.Join(b.Module, dir, "*.go"))
		if err != nil {
			return Set{}, false, fmt.Errorf("list sources: %w", err)
		}
		for _, s := range sources {
			files = append(files, filepath.Join(dir, filepath.Base(s)))
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(b.Module, file))
		if err != nil {
			return Set{}, false, fmt.Errorf("hash the sources: %w", err)
		}
		fmt.Fprintln(hash, filepath.ToSlash(file), len(text))
		hash.Write(text)
	}
	set := b.set(version + "-" + hex.EncodeToString(hash.Sum(nil))[:12])
	set.flags = flags
	_, err = os.Stat(set.Bin)
	return set, err == nil, nil
}

func (b Builder) set(key string) Set {
	dir := filepath.Join(b.Cache, key)
	return Set{Key: key, Bin: filepath.Join(dir, "bin"), Images: filepath.Join(dir, "images")}
}

// Build builds the set unless it is there, and points the link "current" to it. A build that was cut short leaves nothing that is taken for whole.
func (b Builder) Build(ctx context.Context) (Set, error) {
	set, built, err := b.Current(ctx)
	if err != nil {
		return Set{}, err
	}
	if !built {
		if err := b.build(ctx, set); err != nil {
			return Set{}, err
		}
	}
	if err := b.point(set.Key); err != nil {
		return Set{}, err
	}
	return set, nil
}

// Prune removes the sets other than those whose keys are given.
func (b Builder) Prune(keep ...string) error {
	entries, err := os.ReadDir(b.Cache)
	if err != nil {
		return fmt.Errorf("list old builds: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() || slices.Contains(keep, e.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(b.Cache, e.Name())); err != nil {
			return fmt.Errorf("remove an old build: %w", err)
		}
	}
	return nil
}

func (b Builder) build(ctx context.Context, set Set) error {
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	partial, err := os.MkdirTemp(b.Cache, "partial-")
	if err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	defer os.RemoveAll(partial)
	bin, archives := filepath.Join(partial, "bin"), filepath.Join(partial, "images")
	for _, dir := range []string{bin, archives} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("make the cache: %w", err)
		}
	}
	if err := b.compile(ctx, bin, set.flags); err != nil {
		return err
	}
	for _, name := range links {
		if err := os.Symlink("components", filepath.Join(bin, name)); err != nil {
			return fmt.Errorf("name a component: %w", err)
		}
	}
	for program, name := range images {
		if err := image.Write(filepath.Join(archives, program+".tar"), name, filepath.Join(bin, program)); err != nil {
			return err
		}
	}
	if err := os.Chmod(partial, 0o755); err != nil {
		return fmt.Errorf("finish the build: %w", err)
	}
	if err := os.Rename(partial, filepath.Dir(set.Bin)); err != nil {
		return fmt.Errorf("finish the build: %w", err)
	}
	return nil
}

// point sets the link "current".
func (b Builder) point(key string) error {
	link := filepath.Join(b.Cache, "current")
	if at, err := os.Readlink(link); err == nil && at == key {
		return nil
	}
	fresh := link + ".new"
	if err := errors.Join(removeIfThere(fresh), os.Symlink(key, fresh), os.Rename(fresh, link)); err != nil {
		return fmt.Errorf("point to the build: %w", err)
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (b Builder) compile(ctx context.Context, bin, flags string) error {
	args := append([]string{"build", "-v", "-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", flags, "-o", bin + "/"}, own...)
	cmd := b.command(ctx, append(args, tools...)...)
	progress, err := cmd.StderrPipe()
	if err != nil {
		return fmt.Errorf("build Kubernetes: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build Kubernetes: %w", err)
	}
	last := b.follow(progress)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build Kubernetes: %w\n%s", err, last)
	}
	return nil
}

// follow reports each package that go build names, and gives the end of what it said.
func (b Builder) follow(r io.Reader) string {
	var last []string
	lines := bufio.NewScanner(r)
	for done := 1; lines.Scan(); done++ {
		last = append(last, lines.Text())
		last = last[max(0, len(last)-15):]
		if b.Report != nil {
			b.Report(done, lines.Text())
		}
	}
	return strings.Join(last, "\n")
}

// stamped are the variables that hold a program's version, by the module whose version it is. Without it the API server says v0.0.0.
var stamped = map[string][]string{
	kubernetes:                   {"k8s.io/component-base/version.gitVersion", "k8s.io/client-go/pkg/version.gitVersion"},
	"sigs.k8s.io/metrics-server": {"sigs.k8s.io/metrics-server/pkg/version.gitVersion"},
	"helm.sh/helm/v4":            {"helm.sh/helm/v4/internal/version.version"},
}

const kubernetes = "k8s.io/kubernetes"

// stamps gives the linker's flags that set versions, and the version of Kubernetes.
func (b Builder) stamps(ctx context.Context) (flags, version string, err error) {
	modules := slices.Sorted(maps.Keys(stamped))
	out, err := b.command(ctx, append([]string{"list", "-mod=readonly", "-m", "-f", "{{.Path}} {{.Version}}"}, modules...)...).Output()
	if err != nil {
		return "", "", fmt.Errorf("ask for the versions of %v: %w", modules, err)
	}
	all := []string{"-s", "-w", "-X k8s.io/component-base/version.gitTreeState=clean"}
	for line := range strings.Lines(string(out)) {
		module, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, variable := range stamped[module] {
			all = append(all, "-X "+variable+"="+at)
		}
		if module == kubernetes {
			version = at
		}
	}
	parts := strings.Split(strings.TrimPrefix(version, "v"), ".")
	if len(parts) != 3 {
		return "", "", fmt.Errorf("version %q of %s is not like v1.2.3", version, kubernetes)
	}
	all = append(all, "-X k8s.io/component-base/version.gitMajor="+parts[0], "-X k8s.io/component-base/version.gitMinor="+parts[1])
	return strings.Join(all, " "), version, nil
}

func (b Builder) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = b.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	return cmd
}
