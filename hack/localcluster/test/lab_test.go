package test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/hack/localcluster/image"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/netns"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// lab is a cluster beside that of the checkout, so that the test disturbs nobody's work.
type lab struct {
	tool string
	dir  string
	pid  int
}

func newLab(t *testing.T) *lab {
	t.Helper()
	home := t.TempDir()
	l := &lab{tool: filepath.Join(home, "tool"), dir: filepath.Join(home, "cluster")}
	compile(t, "..", l.tool)
	return l
}

func compile(t *testing.T, pkg, to string) {
	t.Helper()
	cmd := exec.Command("go", "build", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, out)
	}
}

// try calls the tool.
func (l *lab) try(args ...string) (string, error) {
	cmd := exec.Command(l.tool, args...)
	cmd.Env = append(os.Environ(), "LOCALCLUSTER_DIR="+l.dir)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// do calls the tool, which must succeed.
func (l *lab) do(t *testing.T, args ...string) string {
	t.Helper()
	out, err := l.try(args...)
	if err != nil {
		t.Fatalf("localcluster %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// up starts the cluster, or skips the test where the machine can't.
func (l *lab) up(t *testing.T, args ...string) {
	t.Helper()
	began := time.Now()
	out, err := l.try(append([]string{"up"}, args...)...)
	t.Cleanup(func() {
		if out, err := l.try("down"); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	if err != nil && strings.Contains(out, "cannot run a cluster yet") {
		t.Skip(out)
	}
	if err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	}
	t.Logf("up after %s", time.Since(began).Round(time.Millisecond))
	if l.pid, err = process.LockHolder(filepath.Join(l.dir, "lock")); err != nil || l.pid == 0 {
		t.Fatalf("the cluster's process is %d, %v", l.pid, err)
	}
}

// loadEcho gives the nodes the image of ./echo, under a name without a registry.
func (l *lab) loadEcho(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "echo")
	compile(t, "./echo", program)
	if err := image.Write(program+".tar", "chatfleet/echo:dev", program); err != nil {
		t.Fatal(err)
	}
	l.do(t, "load", program+".tar")
}

// get asks the ingress for a path of echo.test.
func (l *lab) get(path string) (string, error) { return l.ask(http.MethodGet, path, "") }

func (l *lab) post(path, body string) (string, error) { return l.ask(http.MethodPost, path, body) }

func (l *lab) ask(method, path, body string) (string, error) {
	client := &http.Client{
		Timeout:   5 * time.Second,
		Transport: &http.Transport{DialContext: netns.Dialer(l.pid), DisableKeepAlives: true},
	}
	req, err := http.NewRequest(method, "http://"+layout.HostIP+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Host = "echo.test"
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s %s", path, answer.Status, text)
	}
	return string(text), err
}

// tunnel is a connection through the ingress that has switched protocols, as a WebSocket has.
type tunnel struct {
	net.Conn
	r *bufio.Reader
}

func (l *lab) openTunnel(t *testing.T) *tunnel {
	t.Helper()
	conn, err := netns.Dialer(l.pid)(context.Background(), "tcp", layout.HostIP+":80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprint(conn, "GET /switch HTTP/1.1\r\nHost: echo.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("switch protocols: %v %v", answer, err)
	}
	return &tunnel{conn, r}
}

// echo sends a line and gives what comes back.
func (c *tunnel) echo(line string) (string, error) {
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	back, err := c.r.ReadString('\n')
	return strings.TrimSpace(back), err
}

// eventually waits until f gives no error.
func eventually(t *testing.T, timeout time.Duration, f func() error) {
	t.Helper()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	began := time.Now()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Since(began) > timeout {
			t.Fatalf("not within %s: %v", timeout, err)
		}
		<-again.C
	}
}

func want(got, wanted string) error {
	if got != wanted {
		return errors.New(got + ", wanted " + wanted)
	}
	return nil
}
