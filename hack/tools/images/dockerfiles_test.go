package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDockerfilesMakeTheSameImages reads the Dockerfiles, since there may be no engine to run them: the programs, their paths and flags, and
// how the image starts must be those of the catalog.
func TestDockerfilesMakeTheSameImages(t *testing.T) {
	module, err := os.ReadFile("../../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	if language == nil {
		t.Fatal("go.mod names no version of Go")
	}
	for _, img := range catalog {
		t.Run(img.name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("..", "..", "docker", img.name+".Dockerfile"))
			if err != nil {
				t.Fatal(err)
			}
			build, final, found := strings.Cut(string(raw), "\nFROM scratch\n")
			if !found {
				t.Fatal("the image doesn't begin empty")
			}
			for _, want := range wantedOfBuild(img, string(language[1])) {
				if !strings.Contains(build, want) {
					t.Errorf("the build lacks: %s", want)
				}
			}
			if n := strings.Count(build, "go build "); n != len(img.programs) {
				t.Errorf("%d programs are built, want %d", n, len(img.programs))
			}
			for _, want := range wantedOfImage(img) {
				if !strings.Contains(final, want+"\n") && !strings.Contains(final, want+" \\\n") {
					t.Errorf("the image lacks: %s", want)
				}
			}
			if !img.data && strings.Contains(final, "/data") {
				t.Error("the image has a folder /data that it doesn't need")
			}
		})
	}
}

func wantedOfBuild(img image, language string) []string {
	want := []string{"FROM --platform=$BUILDPLATFORM golang:" + language + " AS build", "RUN hack/docker/rootfs"}
	for _, p := range img.programs {
		want = append(want, fmt.Sprintf(
			"RUN CGO_ENABLED=0 GOOS=linux GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -ldflags %q -o /rootfs%s %s\n", linkerFlags+"$VERSION", p.path, p.pkg))
	}
	return want
}

func wantedOfImage(img image) []string {
	want := []string{
		"COPY --from=build /rootfs/ /",
		fmt.Sprintf("USER %d:%d", user, user),
		fmt.Sprintf("ENTRYPOINT [%q]", img.programs[0].path),
		"ENV PATH=/",
		fmt.Sprintf("org.opencontainers.image.title=%q", img.title),
		fmt.Sprintf("org.opencontainers.image.description=%q", img.description),
		fmt.Sprintf("org.opencontainers.image.source=%q", source),
		fmt.Sprintf("org.opencontainers.image.licenses=%q", "Apache-2.0"),
	}
	if img.data {
		want = append(want, fmt.Sprintf("COPY --from=build --chown=%d:%d /data /data", user, user))
	}
	if len(img.ports) > 0 {
		want = append(want, "EXPOSE "+strings.Join(img.ports, " "))
	}
	return want
}
