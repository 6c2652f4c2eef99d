package main

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// writeArchive writes an OCI layout of one image, packed into a file. It names
// the image in the ways that container runtimes look for when they import it:
// by annotations (containerd, podman), and by the manifest.json of a saved
// docker image, which has room for one architecture: this machine's, or else
// the first.
func writeArchive(file string, index v1.ImageIndex, reference string) error {
	ref, err := name.NewTag(reference)
	if err != nil {
		return fmt.Errorf("name image %s: %w", reference, err)
	}
	dir, err := os.MkdirTemp("", "layout-")
	if err != nil {
		return fmt.Errorf("make folder for layout: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("begin layout: %w", err)
	}
	err = out.AppendIndex(index, layout.WithAnnotations(map[string]string{
		"io.containerd.image.name":          fullName(ref),
		"org.opencontainers.image.ref.name": ref.TagStr(),
	}))
	if err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	saved, err := savedManifest(index, reference)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), saved, 0o600); err != nil {
		return fmt.Errorf("write manifest.json: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make folder for archives: %w", err)
	}
	return pack(dir, file)
}

// fullName is the name that container runtimes give to an image of the default
// registry.
func fullName(ref name.Tag) string { return strings.TrimPrefix(ref.Name(), "index.") }

// savedManifest gives the manifest.json of a saved docker image.
func savedManifest(index v1.ImageIndex, reference string) ([]byte, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	chosen := manifest.Manifests[0]
	for _, m := range manifest.Manifests {
		if m.Platform.Architecture == runtime.GOARCH {
			chosen = m
		}
	}
	one, err := index.Image(chosen.Digest)
	if err != nil {
		return nil, fmt.Errorf("find image of %s: %w", chosen.Platform.Architecture, err)
	}
	parts, err := one.Manifest()
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	type saved struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	blob := func(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
	entry := saved{Config: blob(parts.Config.Digest), RepoTags: []string{reference}}
	for _, layer := range parts.Layers {
		entry.Layers = append(entry.Layers, blob(layer.Digest))
	}
	out, err := json.Marshal([]saved{entry})
	if err != nil {
		return nil, fmt.Errorf("encode manifest.json: %w", err)
	}
	return out, nil
}

// pack puts a folder into a tar file whose bytes depend on nothing but the
// contents. The file appears whole or not at all.
func pack(dir, file string) error {
	out, err := os.CreateTemp(filepath.Dir(file), ".image-")
	if err != nil {
		return fmt.Errorf("make archive: %w", err)
	}
	defer func() { _ = os.Remove(out.Name()) }()
	defer func() { _ = out.Close() }()
	w := tar.NewWriter(out)
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return packFile(w, dir, path)
	})
	if err != nil {
		return fmt.Errorf("pack archive: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("pack archive: %w", err)
	}
	if err := out.Chmod(0o644); err != nil {
		return fmt.Errorf("open archive to readers: %w", err)
	}
	if err := os.Rename(out.Name(), file); err != nil {
		return fmt.Errorf("put archive in place: %w", err)
	}
	return nil
}

func packFile(w *tar.Writer, dir, path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Typeflag: tar.TypeReg, Mode: 0o644, Size: info.Size(), Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
