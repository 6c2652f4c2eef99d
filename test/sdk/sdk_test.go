package sdk

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// deadline bounds one file of tests; a condition in it gives up much earlier.
const deadline = 5 * time.Minute

func TestSDKOnOneNode(t *testing.T) {
	install(t)
	node := process.StartChatnode(t, process.ChatnodeOptions{Flags: []string{"--dev"}})
	runScripts(t, node.URL())
}

// Connections go to the nodes in turn, so the emulation requests of a stream
// mostly reach the node that does not hold its session.
func TestSDKOnTwoNodes(t *testing.T) {
	install(t)
	nats := process.StartNATS(t, 1)
	// Nodes with one data directory have one secret of development tokens; their log is the server's.
	dataDir := t.TempDir()
	var urls []string
	for _, name := range []string{"node-1", "node-2"} {
		node := process.StartChatnode(t, process.ChatnodeOptions{
			Name:    name,
			NATSURL: nats.URL(),
			DataDir: dataDir,
			Flags:   []string{"--dev"},
		})
		urls = append(urls, node.URL())
	}
	runScripts(t, urls...)
}

// install runs npm ci unless the folder is already as the lock file says.
func install(t *testing.T) {
	t.Helper()
	for _, command := range []string{"node", "npm"} {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("%s is missing; make tools-of-tests installs it", command)
		}
	}
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	installed, err := os.Stat("node_modules/.package-lock.json")
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return
	}
	run(t, nil, "npm", "ci", "--no-audit", "--no-fund")
	now := time.Now()
	if err := os.Chtimes("node_modules/.package-lock.json", now, now); err != nil {
		t.Fatal(err)
	}
}

// runScripts runs every file of tests against the nodes, one after another.
func runScripts(t *testing.T, urls ...string) {
	t.Helper()
	scripts, err := filepath.Glob("*.test.js")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("found no scripts: %v", err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(script, ".test.js"), func(t *testing.T) {
			run(t, []string{"CHATNODE_URLS=" + strings.Join(urls, ",")}, "node", "--test", script)
		})
	}
}

func run(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), env...)
	// node --test starts a process per file, so the whole group ends together.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command.Args, " "), err, output)
	}
}
