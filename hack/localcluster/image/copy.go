package image

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/distribution/reference"
)

// nameAnnotation is where containerd looks for the name of an image in an archive; the other is where the OCI specification puts it.
const (
	nameAnnotation = "io.containerd.image.name"
	refAnnotation  = "org.opencontainers.image.ref.name"
)

// Copy copies an OCI archive, and names its images in full, as a kubelet asks for them: "chatfleet/operator:dev" names no registry, so
// the usual one is put before it (nobody ever asks it). It returns the full names.
func Copy(to, from string) (names []string, err error) {
	src, err := os.Open(from)
	if err != nil {
		return nil, fmt.Errorf("open image archive: %w", err)
	}
	defer src.Close()
	dst, err := os.Create(to)
	if err != nil {
		return nil, fmt.Errorf("copy image archive: %w", err)
	}
	names, err = copyArchive(dst, src)
	if closed := dst.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("copy image archive %s: %w", from, err)
	}
	return names, nil
}

func copyArchive(dst io.Writer, src io.Reader) ([]string, error) {
	var names []string
	r, w := tar.NewReader(src), tar.NewWriter(dst)
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if path.Clean(head.Name) == "index.json" {
			var index []byte
			if index, names, err = fullNames(io.LimitReader(r, 1<<20)); err != nil {
				return nil, err
			}
			err = addFile(w, "index.json", 0o644, index)
		} else if err = w.WriteHeader(head); err == nil {
			_, err = io.Copy(w, r)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("it names no image: the index of an OCI archive needs the annotation %s", nameAnnotation)
	}
	return names, w.Close()
}

// fullNames rewrites an index and leaves alone what it does not know.
func fullNames(r io.Reader) (index []byte, names []string, err error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, nil, err
	}
	var content map[string]any
	if err := json.Unmarshal(text, &content); err != nil {
		return nil, nil, fmt.Errorf("read the index: %w", err)
	}
	manifests, _ := content["manifests"].([]any)
	for _, m := range manifests {
		manifest, _ := m.(map[string]any)
		annotations, _ := manifest["annotations"].(map[string]any)
		given, _ := annotations[nameAnnotation].(string)
		if given == "" {
			given, _ = annotations[refAnnotation].(string)
		}
		if given == "" {
			continue
		}
		full, err := reference.ParseDockerRef(given)
		if err != nil {
			return nil, nil, fmt.Errorf("image name %q: %w", given, err)
		}
		annotations[nameAnnotation] = full.String()
		names = append(names, full.String())
	}
	index, err = json.Marshal(content)
	return index, names, err
}
