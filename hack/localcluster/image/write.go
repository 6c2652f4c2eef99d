// Package image writes images of a single program as OCI archives and says what archives of others are named.
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// nobody is the user of the program, by number because there is no file of users.
const nobody = "65532:65532"

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    map[string]string `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// archive collects blobs under their digests.
type archive struct{ blobs map[string][]byte }

func (a *archive) add(kind string, blob []byte) descriptor {
	sum := sha256.Sum256(blob)
	digest := hex.EncodeToString(sum[:])
	a.blobs[digest] = blob
	return descriptor{MediaType: kind, Digest: "sha256:" + digest, Size: len(blob)}
}

func (a *archive) addJSON(kind string, v any) (descriptor, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return descriptor{}, err
	}
	return a.add(kind, text), nil
}

// Write writes an image named name to path: the program alone, at the root, run by nobody. The same program gives the same bytes.
func Write(path, name, program string) error {
	if err := write(path, name, program); err != nil {
		return fmt.Errorf("write image %s: %w", name, err)
	}
	return nil
}

func write(path, name, program string) error {
	layer, err := layerOf(program)
	if err != nil {
		return err
	}
	a := &archive{blobs: map[string][]byte{}}
	entry := "/" + filepath.Base(program)
	platform := map[string]string{"architecture": runtime.GOARCH, "os": "linux"}
	content := a.add("application/vnd.oci.image.layer.v1.tar", layer)
	config, err := a.addJSON("application/vnd.oci.image.config.v1+json", map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": time.Unix(0, 0).UTC(),
		"config": map[string]any{"User": nobody, "Entrypoint": []string{entry}, "Env": []string{"PATH=/"}, "WorkingDir": "/"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{content.Digest}},
	})
	if err != nil {
		return err
	}
	manifest, err := a.addJSON("application/vnd.oci.image.manifest.v1+json", map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []descriptor{content},
	})
	if err != nil {
		return err
	}
	manifest.Platform = platform
	manifest.Annotations = map[string]string{nameAnnotation: name}
	index, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []descriptor{manifest},
	})
	if err != nil {
		return err
	}
	return a.save(path, index)
}

func (a *archive) save(path string, index []byte) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if closed := f.Close(); err == nil {
			err = closed
		}
	}()
	w := tar.NewWriter(f)
	if err := addFile(w, "oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return err
	}
	if err := addFile(w, "index.json", 0o644, index); err != nil {
		return err
	}
	// In one order: the same image is the same archive.
	for _, digest := range slices.Sorted(maps.Keys(a.blobs)) {
		if err := addFile(w, "blobs/sha256/"+digest, 0o644, a.blobs[digest]); err != nil {
			return err
		}
	}
	return w.Close()
}

func layerOf(program string) ([]byte, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	// Programs write to /tmp if to anything.
	if err := w.WriteHeader(&tar.Header{Name: "tmp/", Typeflag: tar.TypeDir, Mode: 0o1777, ModTime: time.Unix(0, 0)}); err != nil {
		return nil, err
	}
	if err := addFile(w, filepath.Base(program), 0o755, text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return layer.Bytes(), nil
}

func addFile(w *tar.Writer, name string, mode int64, content []byte) error {
	head := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: mode, Size: int64(len(content)), ModTime: time.Unix(0, 0)}
	if err := w.WriteHeader(head); err != nil {
		return err
	}
	_, err := io.Copy(w, bytes.NewReader(content))
	return err
}
