package chat21

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

// tokenKey is that with which chat21's own tests sign.
const tokenKey = "tokenKey"

func TestClientsOfChat21OnOneNode(t *testing.T) {
	install(t)
	runScripts(t, start(t, process.ChatnodeOptions{}))
}

func TestClientsOfChat21OnTwoNodes(t *testing.T) {
	install(t)
	nats := process.StartNATS(t, 1)
	var nodes []*node
	for _, name := range []string{"node-1", "node-2"} {
		nodes = append(nodes, start(t, process.ChatnodeOptions{Name: name, NATSURL: nats.URL()}))
	}
	runScripts(t, nodes...)
}

// node is a chat node that serves chat21.
type node struct {
	*process.Chatnode
	tcp, web string
}

func start(t *testing.T, o process.ChatnodeOptions) *node {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(tokenKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &node{tcp: process.Address(process.ReservePort(t)), web: process.Address(process.ReservePort(t))}
	o.Flags = append(o.Flags, "--mqtt-listen", n.tcp, "--mqtt-http-listen", n.web, "--mqtt-jwt-secret-file", key, "--messages-per-second", "0")
	n.Chatnode = process.StartChatnode(t, o)
	return n
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
func runScripts(t *testing.T, nodes ...*node) {
	t.Helper()
	scripts, err := filepath.Glob("*.test.js")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("found no scripts: %v", err)
	}
	env := environment(nodes)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(script, ".test.js"), func(t *testing.T) { run(t, env, "node", "--test", script) })
	}
}

// environment tells scripts where the nodes are.
func environment(nodes []*node) []string {
	var tcp, web []string
	for _, n := range nodes {
		tcp, web = append(tcp, "mqtt://"+n.tcp), append(web, n.web)
	}
	return []string{"TCP_URLS=" + strings.Join(tcp, ","), "WEB_HOSTS=" + strings.Join(web, ","), "TOKEN_KEY=" + tokenKey}
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
