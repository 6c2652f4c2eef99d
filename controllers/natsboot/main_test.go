package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/chatfleet/chatfleet/controllers/pki"
	"github.com/chatfleet/chatfleet/test/process"
	"github.com/chatfleet/chatfleet/test/wait"
)

// asNatsboot tells the test binary to be natsboot.
const asNatsboot = "NATSBOOT_INSTEAD_OF_TESTS"

func TestMain(m *testing.M) {
	if os.Getenv(asNatsboot) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// pod is what Kubernetes gives to one server of the backbone.
type pod struct {
	t                                             *testing.T
	name, data, conf, certs                       string
	clientPort, monitorPort, routePort, probePort int
	secrets                                       map[string]map[string][]byte
	flags                                         []string // more of natsboot's
	number                                        int
}

const leaf = "lobby-nats-tls"

func newPod(t *testing.T, name string) *pod {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a NATS server; make test runs it")
	}
	p := &pod{
		t: t, name: name, data: t.TempDir(), conf: t.TempDir(), certs: t.TempDir(), secrets: map[string]map[string][]byte{},
		clientPort: process.ReservePort(t), monitorPort: process.ReservePort(t), routePort: process.ReservePort(t), probePort: process.ReservePort(t),
	}
	p.issue()
	return p
}

// issue makes a new certificate, and mounts it.
func (p *pod) issue() {
	p.t.Helper()
	delete(p.secrets, leaf)
	issued, err := pki.Issue("lobby-ca", []pki.Wanted{{Name: leaf, DNSNames: []string{"localhost", "127.0.0.1"}, Server: true, Client: true}}, p.secrets, time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	maps.Copy(p.secrets, issued.Secrets)
	p.mount(p.certs, p.secrets[leaf])
}

// mount does what a kubelet does: it writes to a new hidden directory and lets the visible names point there, in one step.
func (p *pod) mount(dir string, files map[string][]byte) {
	p.t.Helper()
	p.number++
	version := fmt.Sprintf("..version-%d", p.number)
	check := func(err error) {
		if err != nil {
			p.t.Fatal(err)
		}
	}
	check(os.Mkdir(filepath.Join(dir, version), 0o755))
	for name, content := range files {
		check(os.WriteFile(filepath.Join(dir, version, name), content, 0o644))
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			check(os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		}
	}
	check(os.Symlink(version, filepath.Join(dir, "..data.new")))
	check(os.Rename(filepath.Join(dir, "..data.new"), filepath.Join(dir, "..data")))
}

// configure mounts a configuration like that of the operator: certificates are demanded from clients.
func (p *pod) configure(extra string, peers ...*pod) {
	files := fmt.Sprintf("cert_file: %q, key_file: %q, ca_file: %q", p.certs+"/tls.crt", p.certs+"/tls.key", p.certs+"/ca.crt")
	var b strings.Builder
	fmt.Fprintf(&b, "server_name: $NATS_SERVER_NAME\nlisten: \"127.0.0.1:%d\"\nhttps: \"127.0.0.1:%d\"\n", p.clientPort, p.monitorPort)
	fmt.Fprintf(&b, "tls { %s, verify: true }\njetstream { store_dir: %q, max_mem: 64MB, max_file: 1GB, sync_interval: always }\n%s\n", files, p.data, extra)
	if len(peers) > 0 {
		fmt.Fprintf(&b, "cluster { name: lobby, listen: \"127.0.0.1:%d\", tls { %s }, routes: [", p.routePort, files)
		for _, peer := range peers {
			fmt.Fprintf(&b, "\n  \"nats://127.0.0.1:%d\"", peer.routePort)
		}
		b.WriteString("\n] }\n")
	}
	p.mount(p.conf, map[string][]byte{"nats.conf": []byte(b.String())})
}

func (p *pod) args() []string {
	args := []string{
		"run", "--config", p.conf + "/nats.conf", "--data", p.data, "--watch", p.certs, "--watch-every", "20ms",
		"--probe-listen", fmt.Sprintf("127.0.0.1:%d", p.probePort), "--monitor", fmt.Sprintf("https://localhost:%d", p.monitorPort),
		"--monitor-ca", p.certs + "/ca.crt",
	}
	return append(append(args, p.flags...), "--", process.NATSServer(p.t))
}

func (p *pod) env() []string { return []string{asNatsboot + "=1", "POD_NAME=" + p.name} }

// start runs natsboot. The caller waits until it is ready.
func (p *pod) start() *process.Command {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	return process.StartCommand(p.t, process.CommandOptions{Name: p.name, Path: self, Args: p.args(), Env: p.env()})
}

// probe gives the status of a probe; 0 if nobody answers.
func (p *pod) probe(path string) (status int, body string) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", p.probePort, path))
	if err != nil {
		return 0, err.Error()
	}
	content, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		p.t.Error(err)
	}
	return response.StatusCode, string(content)
}

func (p *pod) ready() bool {
	status, _ := p.probe("/startz")
	return status == http.StatusOK
}

// connect is a client with a certificate of the same authority.
func (p *pod) connect(o ...nats.Option) *nats.Conn {
	p.t.Helper()
	data := p.secrets[leaf]
	pair, err := tls.X509KeyPair(data[pki.KeyCert], data[pki.KeyPrivate])
	if err != nil {
		p.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data[pki.KeyAuthorities])
	o = append(o, nats.Secure(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}))
	nc, err := nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", p.clientPort), o...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(nc.Close)
	return nc
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	wait.For(t, time.Minute, what, func(context.Context) error {
		if !is() {
			return errors.New("not yet")
		}
		return nil
	})
}
