package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/chatnode/auth"
	"github.com/chatfleet/chatfleet/test/process"
)

// system is something to be measured.
type system struct {
	name  string
	start func(tb testing.TB) *server
}

// The systems, in the order of the table's columns.
const (
	ours  = "chatnode"
	peer  = "socket.io"
	limit = "floor"
)

var systems = []system{{ours, startChatnode}, {peer, startSocketIO}, {limit, startFloor}}

const (
	startLimit   = 30 * time.Second
	installLimit = 3 * time.Minute
)

// startChatnode starts a node with its log embedded and no limit on rates: the load is one user's too many.
func startChatnode(tb testing.TB) *server {
	tb.Helper()
	node, signer := newChatnode(tb)
	return &server{
		system: ours, address: strings.TrimPrefix(node.URL(), "http://"), pid: node.PID(), dialect: native{},
		collectURL: node.AdminURL() + "/debug/pprof/heap?gc=1",
		sign:       func(user string) (string, error) { return signer.Token(user, time.Hour) },
	}
}

func newChatnode(tb testing.TB) (*process.Chatnode, *auth.Development) {
	tb.Helper()
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	secret := []byte(hex.EncodeToString(random))
	file := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(file, secret, 0o600); err != nil {
		tb.Fatal(err)
	}
	signer, err := auth.NewDevelopment(auth.DevelopmentOptions{Secret: secret})
	if err != nil {
		tb.Fatal(err)
	}
	node := process.StartChatnode(tb, process.ChatnodeOptions{Flags: []string{
		"--jwt-hmac-secret-file", file, "--anonymous", "--messages-per-second", "0", "--commands-per-second", "1000000",
	}})
	return node, signer
}

func startSocketIO(tb testing.TB) *server {
	tb.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		tb.Skip("npm is missing; make tools-of-tests installs it")
	}
	if err := install(); err != nil {
		tb.Fatal(err)
	}
	return startChild(tb, peer, socketIO{}, "node", "--expose-gc", "socketio/server.js")
}

// install fetches socket.io unless the folder is already as its lock file says.
var install = sync.OnceValue(func() error {
	const lock, installed = "socketio/package-lock.json", "socketio/node_modules/.package-lock.json"
	wanted, err := os.Stat(lock)
	if err != nil {
		return fmt.Errorf("install socket.io: %w", err)
	}
	if is, err := os.Stat(installed); err == nil && !is.ModTime().Before(wanted.ModTime()) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), installLimit)
	defer cancel()
	command := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	command.Dir = "socketio"
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("install socket.io: %w\n%s", err, output)
	}
	now := time.Now()
	return os.Chtimes(installed, now, now)
})

func startFloor(tb testing.TB) *server {
	tb.Helper()
	if err := buildFloor(); err != nil {
		tb.Fatal(err)
	}
	return startChild(tb, limit, bare{}, floorProgram, filepath.Join(tb.TempDir(), "log"))
}

const floorProgram = "../../.cache/bench/floor"

var buildFloor = sync.OnceValue(func() error {
	if output, err := exec.Command("go", "build", "-o", floorProgram, "./floor").CombinedOutput(); err != nil {
		return fmt.Errorf("build floor: %w\n%s", err, output)
	}
	return nil
})

// startChild runs a program that prints its address first and ends with its standard input, which the kernel closes when this
// process dies.
func startChild(tb testing.TB, name string, speaks dialect, path string, args ...string) *server {
	tb.Helper()
	command := exec.Command(path, args...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := command.Start(); err != nil {
		tb.Fatalf("start %s: %v", name, err)
	}
	tb.Cleanup(func() { endChild(tb, name, command, input) })
	address, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		tb.Fatalf("start %s: it printed no address: %v", name, err)
	}
	s := &server{system: name, address: strings.TrimSpace(address), pid: command.Process.Pid, dialect: speaks}
	s.collectURL = "http://" + s.address + "/collect"
	return s
}

func endChild(tb testing.TB, name string, command *exec.Cmd, input io.Closer) {
	kill := time.AfterFunc(startLimit, func() { _ = command.Process.Kill() })
	defer kill.Stop()
	_ = input.Close()
	if err := command.Wait(); err != nil {
		tb.Errorf("end %s: %v", name, err)
	}
}
