package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// source is where the sources of an image are, for people.
const source = "https://github.com/chatfleet/chatfleet"

// linkerFlags strip a binary and stamp the version into it that follows them.
const linkerFlags = "-s -w -buildid= -X main.version="

// A builder makes images of programs that it compiles.
type builder struct {
	root    string // the repository
	version string // that the programs report
	scratch string // folder for binaries
	say     func(format string, args ...any)
}

// build gives an image for all architectures.
func (b builder) build(ctx context.Context, img image, arches []string, tag string) (v1.ImageIndex, error) {
	labels := map[string]string{
		"org.opencontainers.image.title":       img.title,
		"org.opencontainers.image.description": img.description,
		"org.opencontainers.image.version":     tag,
		"org.opencontainers.image.source":      source,
		"org.opencontainers.image.licenses":    "Apache-2.0",
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, arch := range arches {
		one, err := b.buildOne(ctx, img, arch, labels)
		if err != nil {
			return nil, fmt.Errorf("for %s: %w", arch, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        one,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	annotated, ok := mutate.Annotations(index, labels).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("annotate index of %s: not an index any more", img.name)
	}
	return annotated, nil
}

// buildOne gives an image for one architecture: a layer of files that all
// images have, and one of programs.
func (b builder) buildOne(ctx context.Context, img image, arch string, labels map[string]string) (v1.Image, error) {
	base, err := baseFiles(img.data)
	if err != nil {
		return nil, err
	}
	var binaries []file
	for _, p := range img.programs {
		compiled, err := b.compile(ctx, p, arch)
		if err != nil {
			return nil, err
		}
		binaries = append(binaries, compiled)
	}
	var layers []v1.Layer
	for _, files := range [][]file{base, binaries} {
		layer, err := layerOf(files)
		if err != nil {
			return nil, err
		}
		layers = append(layers, layer)
	}
	one, err := mutate.AppendLayers(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), layers...)
	if err != nil {
		return nil, fmt.Errorf("add layers: %w", err)
	}
	one, err = mutate.ConfigFile(one, configOf(one, img, arch, labels))
	if err != nil {
		return nil, fmt.Errorf("set configuration: %w", err)
	}
	annotated, ok := mutate.Annotations(one, labels).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("annotate %s: not an image any more", img.name)
	}
	return annotated, nil
}

// compile builds one static binary and reads it.
func (b builder) compile(ctx context.Context, p program, arch string) (file, error) {
	start, out := time.Now(), filepath.Join(b.scratch, path.Base(p.path)+"-"+arch)
	compiler := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", linkerFlags+b.version, "-o", out, p.pkg)
	compiler.Dir, compiler.Stdout, compiler.Stderr = b.root, os.Stderr, os.Stderr
	// The levels are those that every such machine has, whatever the builder's environment says.
	compiler.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=")
	b.say("%-12s linux/%s: compiling", path.Base(p.path), arch)
	if err := compiler.Run(); err != nil {
		return file{}, fmt.Errorf("compile %s: %w", p.pkg, err)
	}
	content, err := os.ReadFile(out)
	if err != nil {
		return file{}, fmt.Errorf("read binary of %s: %w", p.pkg, err)
	}
	b.say("%-12s linux/%s: %s in %.1f s", path.Base(p.path), arch, megabytes(int64(len(content))), time.Since(start).Seconds())
	return file{path: p.path, mode: 0o755, content: content}, nil
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
