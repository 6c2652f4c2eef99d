package hook

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startDocumented runs the receiver that README.md shows, and gives its address. To stop gives what it has said.
func startDocumented(t *testing.T) (url string, stop func() string) {
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
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	for name, content := range map[string]string{file: string(secret) + "\n", filepath.Join(dir, "receiver.py"): program} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, filepath.Join(dir, "receiver.py"), file, "0")
	cmd.Stderr = io.Discard // it writes down every request
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stdout)
	stop = func() string {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		rest, err := io.ReadAll(said)
		if err != nil {
			t.Error(err)
		}
		_ = cmd.Wait()
		return string(rest)
	}
	var port int
	if _, err := fmt.Fscanf(said, "port %d\n", &port); err != nil {
		t.Fatalf("the receiver did not start: %v, %s", err, stop())
	}
	return fmt.Sprint("http://127.0.0.1:", port), stop
}

func TestTheDocumentedReceiverTellsRightFromWrong(t *testing.T) {
	url, stop := startDocumented(t)
	stop = sync.OnceValue(stop)
	defer stop()
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
	if got := stop(); !strings.Contains(got, "its secret room:a message\n") || strings.Contains(got, "another") {
		t.Errorf("it says %q", got)
	}
}
