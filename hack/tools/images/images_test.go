package main

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/elf"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// small is an image like those of the catalog, of two small programs.
var small = image{
	name: "small", title: "A small one", description: "For tests",
	programs: []program{{"./hello", "/hello"}, {"./bye", "/bye"}},
	ports:    []string{"8080/tcp"}, data: true,
}

// sources writes the programs of small into a folder of its own.
func sources(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for path, content := range map[string]string{
		"go.mod":        "module small.test\n\ngo 1.26\n",
		"hello/main.go": "package main\n\nimport \"os\"\n\nvar version = \"none\"\n\nfunc main() { os.Stdout.WriteString(\"hello \" + version) }\n",
		"bye/main.go":   "package main\n\nfunc main() {}\n",
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// built gives small, built from sources in a folder of their own.
func built(t *testing.T) v1.ImageIndex {
	t.Helper()
	b := builder{root: sources(t), version: "1.2.3", scratch: t.TempDir(), say: t.Logf}
	index, err := b.build(t.Context(), small, []string{"amd64", "arm64"}, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// archived gives the file of an image's archive.
func archived(t *testing.T, index v1.ImageIndex) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "images", "small.tar")
	if err := writeArchive(file, index, "chatfleet/small:1.2.3"); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTwoBuildsGiveTheSameBytes(t *testing.T) {
	first, second := built(t), built(t)
	one, err := first.Digest()
	if err != nil {
		t.Fatal(err)
	}
	other, err := second.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if one != other {
		t.Errorf("digests of two builds differ: %s and %s", one, other)
	}
	a, err := os.ReadFile(archived(t, first))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(archived(t, second))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("archives of two builds differ")
	}
}

func TestImageHoldsProgramsAndWhatTheyExpect(t *testing.T) {
	index := built(t)
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 2 {
		t.Fatalf("%d images in the index, want one for each of two architectures", len(manifest.Manifests))
	}
	machines := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	for _, m := range manifest.Manifests {
		t.Run(m.Platform.String(), func(t *testing.T) {
			img, err := index.Image(m.Digest)
			if err != nil {
				t.Fatal(err)
			}
			headers, contents := extract(t, img)
			for path, want := range map[string]struct {
				mode  int64
				owner int
			}{
				"hello": {0o755, 0}, "bye": {0o755, 0}, "etc/passwd": {0o644, 0}, "etc/ssl/certs/ca-certificates.crt": {0o644, 0},
				"tmp": {0o1777, 0}, "data": {0o750, user},
			} {
				h, there := headers[path]
				if !there || h.Mode != want.mode || h.Uid != want.owner || h.Gid != want.owner || h.ModTime.Unix() != 0 {
					t.Errorf("/%s: %+v, want mode %o, owner %d, time 0", path, h, want.mode, want.owner)
				}
			}
			checkStatic(t, contents["hello"], machines[m.Platform.Architecture])
			checkAuthorities(t, contents["etc/ssl/certs/ca-certificates.crt"])
			checkConfig(t, img, m.Platform.Architecture)
		})
	}
}

func extract(t *testing.T, img v1.Image) (map[string]*tar.Header, map[string][]byte) {
	t.Helper()
	files := mutate.Extract(img)
	defer func() { _ = files.Close() }()
	headers, contents := map[string]*tar.Header{}, map[string][]byte{}
	for r := tar.NewReader(files); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimSuffix(h.Name, "/")
		headers[path] = h
		if contents[path], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func checkStatic(t *testing.T, binary []byte, machine elf.Machine) {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(binary))
	if err != nil {
		t.Fatal(err)
	}
	if f.Machine != machine {
		t.Errorf("binary is for %s, want %s", f.Machine, machine)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("binary is not static: it has a segment %s", p.Type)
		}
	}
	if !bytes.Contains(binary, []byte("1.2.3")) {
		t.Error("the version was not stamped into the binary")
	}
}

func checkAuthorities(t *testing.T, bundle []byte) {
	t.Helper()
	if n := bytes.Count(bundle, []byte("BEGIN CERTIFICATE")); n < 100 {
		t.Errorf("%d root certificates, want those of Mozilla", n)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(bundle) {
		t.Error("the root certificates can't be read")
	}
}

func checkConfig(t *testing.T, img v1.Image, arch string) {
	t.Helper()
	config, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := config.Config
	if config.Architecture != arch || c.User != "65532:65532" || len(c.Entrypoint) != 1 || c.Entrypoint[0] != "/hello" || c.Env[0] != "PATH=/" {
		t.Errorf("configuration %+v for %s", c, config.Architecture)
	}
	for label, want := range map[string]string{"title": "A small one", "version": "1.2.3", "source": source, "licenses": "Apache-2.0"} {
		if got := c.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
}

func TestSavedImageIsReadAsDockerWould(t *testing.T) {
	tag, err := name.NewTag("chatfleet/small:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	img, err := tarball.ImageFromPath(archived(t, built(t)), &tag)
	if err != nil {
		t.Fatal(err)
	}
	if _, contents := extract(t, img); len(contents["hello"]) == 0 {
		t.Error("the saved image lacks its program")
	}
}

func TestPushedImageIsTheOneThatWasBuilt(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	index := built(t)
	reference := strings.TrimPrefix(server.URL, "http://") + "/chatfleet/small:1.2.3"
	if err := (builder{say: t.Logf}).push(t.Context(), reference, index); err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	got, err := remote.Index(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	gotDigest, err := got.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := index.Digest(); gotDigest != want {
		t.Errorf("the registry has %s, built was %s", gotDigest, want)
	}
}

func TestCatalogNamesProgramsOfTheRepository(t *testing.T) {
	for _, img := range catalog {
		for _, p := range img.programs {
			list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Name}}", p.pkg)
			list.Dir, list.Stderr = "../../..", os.Stderr
			out, err := list.Output()
			if err != nil || strings.TrimSpace(string(out)) != "main" {
				t.Errorf("image %s: %s is %q (%v), want a program", img.name, p.pkg, out, err)
			}
		}
	}
	version, err := natsVersion(t.Context(), "../../..")
	if err != nil {
		t.Fatal(err)
	}
	nats, err := choose(catalog, []string{"nats"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := nats[0].tag("dev", version), strings.TrimPrefix(version, "v")+"-dev"; got != want || !strings.HasPrefix(got, "2.") {
		t.Errorf("tag of nats is %q, want %q", got, want)
	}
}

func TestUnknownImageIsRefused(t *testing.T) {
	if _, err := choose(catalog, []string{"chatnode", "chatnod"}); err == nil || !strings.Contains(err.Error(), "chatnod") {
		t.Errorf("got %v, want an error that names it", err)
	}
}
