package imports

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	modulesFile = "chatnode-modules.txt"
	accept      = "go test ./test/imports -run Modules -update"
)

var update = flag.Bool("update", false, "write the list of modules anew; reasons are kept")

// A third-party module in the chat node is a decision: it must stand in the
// list with its reason.
func TestChatnodeModulesAreTheListedOnes(t *testing.T) {
	actual := reached(t, "./chatnode")
	content, err := os.ReadFile(modulesFile)
	if err != nil {
		t.Fatal(err)
	}
	head, reasons := parseModules(string(content))
	if *update {
		if err := os.WriteFile(modulesFile, formatModules(head, actual, reasons), 0o644); err != nil {
			t.Fatal(err)
		}
		_, reasons = parseModules(string(formatModules(head, actual, reasons)))
	}
	for _, path := range actual {
		if reason, known := reasons[path]; !known {
			t.Errorf("+ %s", path)
		} else if reason == "" {
			t.Errorf("%s: %s gives no reason; write it after a #", modulesFile, path)
		}
	}
	for path := range reasons {
		if !slices.Contains(actual, path) {
			t.Errorf("- %s", path)
		}
	}
	if t.Failed() {
		t.Logf("./chatnode reaches other modules than %s lists (+ new, - gone).\n"+
			"To accept: %s, then write the reason behind each new line.", modulesFile, accept)
	}
}

// reached lists the third-party modules that a package imports, directly or
// through others, sorted.
func reached(t *testing.T, pattern string) []string {
	t.Helper()
	var paths []string
	for _, p := range list(t, pattern) {
		if p.Module != nil && !p.Module.Main {
			paths = append(paths, p.Module.Path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// parseModules splits the file into the comment on top and the modules with
// their reasons: lines of `path # reason`.
func parseModules(content string) (head string, reasons map[string]string) {
	reasons = map[string]string{}
	for line := range strings.Lines(content) {
		path, reason, _ := strings.Cut(line, "#")
		path = strings.TrimSpace(path)
		switch {
		case path != "":
			reasons[path] = strings.TrimSpace(reason)
		case len(reasons) == 0:
			head += line
		}
	}
	return head, reasons
}

func formatModules(head string, paths []string, reasons map[string]string) []byte {
	width := 0
	for _, path := range paths {
		width = max(width, len(path))
	}
	var b strings.Builder
	b.WriteString(head)
	for _, path := range paths {
		padding := strings.Repeat(" ", width-len(path))
		b.WriteString(path + padding + " # " + reasons[path])
		b.WriteByte('\n')
	}
	return []byte(b.String())
}
