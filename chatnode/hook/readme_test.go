package hook

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/wait"
)

// startDocumented runs the receiver that README.md shows, and gives its address.
func startDocumented(t *testing.T) (url string, told *bytes.Buffer, stop func()) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("needs python3")
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```python\n")
	program, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("README.md shows no receiver")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	for name, content := range map[string]string{file: string(secret) + "\n", filepath.Join(dir, "receiver.py"): program} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	told = &bytes.Buffer{}
	cmd := exec.Command(python, filepath.Join(dir, "receiver.py"), file, port)
	cmd.Stdout = told
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	t.Cleanup(stop)
	wait.For(t, patience, "the receiver", func(context.Context) error {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			err = c.Close()
		}
		return err
	})
	return "http://127.0.0.1:" + port, told, stop
}

func TestTheDocumentedReceiverTellsRightFromWrong(t *testing.T) {
	url, told, stop := startDocumented(t)
	for name, c := range map[string]struct {
		secrets [][]byte
		status  int
	}{"its secret": {[][]byte{secret}, 200}, "its secret as the second": {secrets(), 200}, "another secret": {[][]byte{another}, 401}} {
		e, err := newEndpoint(url, func() [][]byte { return c.secrets }, 1)
		if err != nil {
			t.Fatal(err)
		}
		a, err := e.post(t.Context(), name, fmt.Appendf(nil, `{"app":"default","room":"room:a","event":{"type":"message","text":%q}}`, name))
		e.close()
		if err != nil || a.status != c.status {
			t.Errorf("%s: %d %v", name, a.status, err)
		}
	}
	old, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	old.Close = true
	old.Header.Set(SignatureHeader, Sign(secrets(), time.Now().Add(-time.Hour), []byte("{}")))
	answer, err := http.DefaultClient.Do(old)
	if err != nil {
		t.Fatal(err)
	}
	if _ = answer.Body.Close(); answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("a request of an hour ago is answered %d", answer.StatusCode)
	}

	g := openGate(t, url+"/moderate", GateOptions{})
	for text, accept := range map[string]bool{"hello": true, "darn": false} {
		v, err := g.Check(t.Context(), "default", "room:a", fmt.Appendf(nil, `{"type":"message","text":%q}`, text))
		if err != nil || v.Accept != accept || !accept && v.Reason != "mind your language" {
			t.Errorf("%s: %+v, %v", text, v, err)
		}
	}
	stop()
	if got := told.String(); !strings.Contains(got, "its secret room:a message\n") || strings.Contains(got, "another") {
		t.Errorf("it says %q", got)
	}
}
