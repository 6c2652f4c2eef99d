package imports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	module = "github.com/chatfleet/chatfleet"
	root   = "../.."
)

// listed is what `go list -deps -json` tells of one package.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string // directly
	Deps       []string // directly and through others
	Module     *struct {
		Path string
		Main bool
	}
	Error *struct{ Err string }
}

// local is the path of a package of ours below the module's root.
func (p listed) local() (string, bool) {
	return strings.CutPrefix(p.ImportPath, module+"/")
}

// list reads the packages that the patterns name and all that these import, as
// they are built for the platform that the product runs on.
func list(t *testing.T, patterns ...string) []listed {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := append([]string{"list", "-e", "-deps", "-json=ImportPath,Standard,Imports,Deps,Module,Error"}, patterns...)
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = root
	command.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	var complaint bytes.Buffer
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaint.String())
	}
	var packages []listed
	decoder := json.NewDecoder(bytes.NewReader(output))
	for {
		var next listed
		err := decoder.Decode(&next)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("read what go list said: %v", err)
		}
		if next.Error != nil {
			t.Fatalf("go list: %s: %s", next.ImportPath, next.Error.Err)
		}
		packages = append(packages, next)
	}
}

// under tells whether a package is one of the folders or below one.
func under(path string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		return path == folder || strings.HasPrefix(path, folder+"/")
	})
}
