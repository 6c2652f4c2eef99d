package comet

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/process"
)

// deadline bounds one program; a condition in it gives up much earlier.
const deadline = 5 * time.Minute

const password = "a password of the tests"

// fleet is two nodes that share a log.
type fleet struct {
	t     *testing.T
	nodes []*process.Chatnode
	// urls are where browsers come in, ports where backends do.
	urls, ports []string
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t}
	nats := process.StartNATS(t, 1)
	for _, name := range []string{"node-1", "node-2"} {
		browsers, backends := strconv.Itoa(process.ReservePort(t)), strconv.Itoa(process.ReservePort(t))
		f.nodes = append(f.nodes, process.StartChatnode(t, process.ChatnodeOptions{Name: name, NATSURL: nats.URL(), Flags: []string{
			"--dev", "--name=" + name, "--drain-period=1s",
			"--comet-listen=127.0.0.1:" + browsers, "--comet-sql-listen=127.0.0.1:" + backends, "--comet-password-file=" + secret,
		}}))
		f.urls, f.ports = append(f.urls, "ws://127.0.0.1:"+browsers), append(f.ports, backends)
	}
	return f
}

func TestNodeClients(t *testing.T) {
	install(t)
	f := startFleet(t)
	out, err := io.ReadAll(f.start("clients.test.js").out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}

func TestPrivateMessagesOutliveTheNode(t *testing.T) {
	install(t)
	for name, end := range map[string]func(*process.Chatnode){"kill": (*process.Chatnode).Kill, "drain": (*process.Chatnode).Stop} {
		t.Run(name, func(t *testing.T) {
			f := startFleet(t)
			run := f.start("fleet.test.js", "COMET_END="+name)
			lines := bufio.NewScanner(run.out)
			for lines.Scan() {
				if strings.Contains(lines.Text(), name) && !strings.Contains(lines.Text(), " ") {
					end(f.nodes[0])
					if _, err := fmt.Fprintln(run.in, "ended"); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

// script is a test in Node that runs. It fails the test if it fails.
type script struct {
	in  io.WriteCloser
	out io.Reader
}

func (f *fleet) start(file string, env ...string) script {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline) // the test's own ends before its end is awaited
	command := exec.CommandContext(ctx, "node", file)
	command.Env = append(os.Environ(), append(env,
		"COMET_URLS="+strings.Join(f.urls, ","), "COMET_SQL_PORTS="+strings.Join(f.ports, ","), "COMET_PASSWORD="+password)...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	in, err := command.StdinPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		f.t.Fatal(err)
	}
	command.Stderr = command.Stdout
	var said strings.Builder
	if err := command.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		defer cancel()
		_, _ = io.Copy(&said, out)
		if err := command.Wait(); err != nil {
			f.t.Errorf("%s: %v\n%s", file, err, said.String())
		}
	})
	return script{in, io.TeeReader(out, &said)}
}

// install runs npm ci unless the folder is already as the lock file says.
func install(t *testing.T) {
	t.Helper()
	need(t, "node", "npm")
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	installed, err := os.Stat("node_modules/.package-lock.json")
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return
	}
	output(t, "npm", "ci", "--no-audit", "--no-fund")
	now := time.Now()
	if err := os.Chtimes("node_modules/.package-lock.json", now, now); err != nil {
		t.Fatal(err)
	}
}

func need(t *testing.T, commands ...string) {
	t.Helper()
	for _, command := range commands {
		if _, err := exec.LookPath(command); err != nil {
			t.Skipf("%s is missing; make tools-of-tests installs it", command)
		}
	}
}

// output runs a program to its end.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	return string(out), err
}
