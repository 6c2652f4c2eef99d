package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/chatnode/load"
	"github.com/chatfleet/chatfleet/test/authority"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// launch starts a node on free ports that nobody serves yet.
func launch(t *testing.T, args ...string) *node {
	t.Helper()
	args = append([]string{"--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--shards=1", "--data-dir=" + t.TempDir()}, args...)
	o, err := parseOptions(args, environment(nil), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	n, err := startNode(t.Context(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// serve serves what was launched until the node is told to end, with the test at the latest, and gives how it ended.
func serve(t *testing.T, n *node) (end context.CancelFunc, ended <-chan error) {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { defer close(done); done <- n.serve(ctx) }()
	t.Cleanup(func() {
		end()
		if err := <-done; err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return end, done
}

// startTestNode starts a node on free ports and ends it with the test.
func startTestNode(t *testing.T, args ...string) *node {
	t.Helper()
	n := launch(t, args...)
	serve(t, n)
	return n
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

func TestAdminPortTellsHealthLoadAndMetrics(t *testing.T) {
	n := startTestNode(t, "--dev", "--name=here")
	admin := "http://" + n.admin.Addr().String()
	for path, want := range map[string]string{
		"/healthz": "ok\n", "/readyz": "ok\n", "/debug/pprof/cmdline": "", "/metrics": "chatnode_log_owned_shards",
	} {
		if status, body := get(t, admin+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.100s", path, status, body)
		}
	}
	status, body := get(t, admin+"/load")
	var d load.Document
	if err := json.Unmarshal([]byte(body), &d); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s %v", status, body, err)
	}
	if d.Node != "here" || d.State != load.Ready || d.MemoryBytes == 0 {
		t.Fatalf("%+v", d)
	}
	n.draining.Store(true)
	if status, body := get(t, admin+"/readyz"); status != http.StatusServiceUnavailable || body != "draining\n" {
		t.Errorf("draining: %d %s", status, body)
	}
}

func TestDevelopmentPagesAreServedWithDevOnly(t *testing.T) {
	dev, plain := startTestNode(t, "--dev"), startTestNode(t)
	for _, c := range []struct {
		n      *node
		path   string
		status int
	}{
		{dev, "/dev/token?user=ann", 200},
		{dev, "/fleet.json", 200},
		{dev, "/", 200},
		{plain, "/dev/token?user=ann", 404},
		{plain, "/fleet.json", 404},
		{plain, "/", 200},
	} {
		if status, body := get(t, "http://"+c.n.clients.Addr().String()+c.path); status != c.status {
			t.Errorf("dev %v %s: %d %.100s", c.n.o.dev, c.path, status, body)
		}
	}
}

func TestDevelopmentTokensAreSignedWithTheSecretOfTheFleet(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one, other := startTestNode(t, "--dev", "--jwt-hmac-secret-file="+secret), startTestNode(t, "--dev", "--jwt-hmac-secret-file="+secret)
	token, err := one.development.Token("ann", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := other.tokens.Connection(token); err != nil || c.User != "ann" {
		t.Fatalf("%+v %v", c, err)
	}
}

func TestFleetListsEveryNode(t *testing.T) {
	n := startTestNode(t, "--dev", "--name=here")
	_, body := get(t, "http://"+n.clients.Addr().String()+"/fleet.json")
	var all []load.Document
	if err := json.Unmarshal([]byte(body), &all); err != nil || len(all) != 1 || all[0].Node != "here" {
		t.Fatalf("%s %v", body, err)
	}
}

func TestStartSaysWhatIsInTheWay(t *testing.T) {
	n := startTestNode(t)
	taken := n.clients.Addr().String()
	for _, c := range []struct{ args, want string }{
		{"--listen=" + taken, taken + " is in use by another program; choose another address with --listen"},
		{"--listen=127.0.0.1:0 --admin-listen=" + taken, "choose another address with --admin-listen"},
		{"--listen=127.0.0.1:0 --admin-listen=127.0.0.1:0 --data-dir=" + n.o.dataDir, "is in use by another chat node"},
		{"--listen=127.0.0.1:0 --admin-listen=127.0.0.1:0 --nats-url=nats://127.0.0.1:1", "connect to NATS at nats://127.0.0.1:1"},
		{"--listen=127.0.0.1:0 --admin-listen=127.0.0.1:0 --jwt-hmac-secret-file=not-there", "not-there"},
		{"--listen=127.0.0.1:0 --admin-listen=127.0.0.1:0 --trusted-proxies=here --data-dir=" + t.TempDir(), "neither a network"},
		{"--log-level=loud", "--log-level is debug"},
	} {
		err := run(t.Context(), strings.Fields(c.args), environment(nil), io.Discard)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", c.args, err, c.want)
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"--version"}, environment(nil), &out); err != nil || out.String() != "chatnode "+version+"\n" {
		t.Fatalf("%q %v", out.String(), err)
	}
}

func servedName(t *testing.T, c certificate) string {
	t.Helper()
	pair, err := c.get(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.Subject.CommonName
}

func TestCertificateFollowsItsFiles(t *testing.T) {
	a, dir := authority.New(t), t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	a.Pair("first").Write(t, certFile, keyFile)
	c, err := loadCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	again := func(change time.Duration) {
		later := time.Now().Add(change)
		for _, f := range []string{certFile, keyFile} {
			if err := os.Chtimes(f, later, later); err != nil {
				t.Fatal(err)
			}
		}
		c.checked = time.Time{}
	}
	a.Pair("second").Write(t, certFile, keyFile)
	again(time.Second)
	if got := servedName(t, c); got != "second" {
		t.Fatalf("serves %s", got)
	}
	if err := os.WriteFile(certFile, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	again(2 * time.Second)
	if got := servedName(t, c); got != "second" {
		t.Fatalf("serves %s after a broken file", got)
	}
}

func TestClientsAreServedOverTLS(t *testing.T) {
	a, dir := authority.New(t), t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	a.Pair("node").Write(t, certFile, keyFile)
	n := startTestNode(t, "--tls-cert="+certFile, "--tls-key="+keyFile)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.Roots(), ServerName: "localhost"}}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport}).Get("https://" + n.clients.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatal(r.Status)
	}
}

func TestEveryMetricIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := startTestNode(t, "--dev")
	families, err := n.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "chatnode_") && !strings.Contains(string(doc), "`"+f.GetName()+"`") {
			t.Errorf("%s is not in README.md", f.GetName())
		}
	}
}
