package plan

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	corev1 "k8s.io/api/core/v1"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
	"github.com/chatfleet/chatfleet/controllers/pki"
	"github.com/chatfleet/chatfleet/test/process"
)

// world is a ChatCluster's backbone with its files on this machine: real servers from the planned configuration, with real certificates.
type world struct {
	t       testing.TB
	c       *v1alpha1.ChatCluster
	plan    Plan
	secrets map[string]map[string][]byte
	dir     string
	servers []*server.Server
}

// newWorld issues the certificates that the plan asks for.
func newWorld(t testing.TB, c *v1alpha1.ChatCluster) *world {
	t.Helper()
	w := &world{t: t, c: c, plan: made(t, c), dir: t.TempDir()}
	var wanted []pki.Wanted
	for _, certificate := range Certificates(c) {
		wanted = append(wanted, pki.Wanted(certificate))
	}
	issued, err := pki.Issue(NamesOf(c).Authority, wanted, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.secrets = issued.Secrets
	return w
}

// mount writes a secret as files, and gives their folder.
func (w *world) mount(secret, as string) string {
	w.t.Helper()
	dir := filepath.Join(w.dir, as)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	for name, content := range w.secrets[secret] {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	return dir
}

// configure gives the options of the i-th server as the server itself reads them from the planned file, moved to this machine: other
// folders, any free port of loopback but for routes, and localhost for the servers' names.
func (w *world) configure(i int, routePorts []int) *server.Options {
	w.t.Helper()
	config := the[*corev1.ConfigMap](w.t, w.plan, NamesOf(w.c).Backbone).Data["nats.conf"]
	pairs := []string{
		"/etc/nats/tls", w.mount(NamesOf(w.c).BackboneTLS, "nats-tls"), `"/data"`, strconv.Quote(filepath.Join(w.dir, strconv.Itoa(i))),
		"0.0.0.0:4222", address(server.RANDOM_PORT), "127.0.0.1:8222", address(server.RANDOM_PORT),
	}
	for n, port := range routePorts {
		name := fmt.Sprintf("lobby-nats-%d.lobby-nats-peers.shop.svc:6222", n)
		pairs = append(pairs, name, "localhost:"+strconv.Itoa(port))
	}
	if len(routePorts) > 0 {
		pairs = append(pairs, "0.0.0.0:6222", address(routePorts[i]))
		w.t.Setenv("NATS_ROUTE_ADVERTISE", "localhost:"+strconv.Itoa(routePorts[i]))
	}
	w.t.Setenv("NATS_SERVER_NAME", fmt.Sprintf("lobby-nats-%d-f00b42", i))
	w.t.Setenv("NATS_CLIENT_ADVERTISE", "localhost:4222")
	file := filepath.Join(w.dir, fmt.Sprintf("nats-%d.conf", i))
	if err := os.WriteFile(file, []byte(strings.NewReplacer(pairs...).Replace(config)), 0o600); err != nil {
		w.t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		w.t.Fatalf("nats-server refuses the configuration: %v\n%s", err, config)
	}
	options.NoSigs, options.NoLog = true, true
	return options
}

// start runs all servers of the ChatCluster.
func (w *world) start() {
	w.t.Helper()
	count := int(*w.plan.statefulSet(w.t).Spec.Replicas)
	var routes []int
	if count > 1 {
		routes = freePorts(w.t, count)
	}
	for i := range count {
		w.run(w.configure(i, routes))
	}
	for _, s := range w.servers {
		if !s.ReadyForConnections(time.Minute) {
			w.t.Fatalf("%s is not ready", s.Name())
		}
	}
}

func (w *world) run(options *server.Options) *server.Server {
	w.t.Helper()
	s, err := server.NewServer(options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.servers = append(w.servers, s)
	w.t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	go s.Start()
	return s
}

// url is the address of one server, under a name that its certificate has.
func (w *world) url(i int) string {
	return "tls://localhost:" + strconv.Itoa(w.servers[i].Addr().(*net.TCPAddr).Port)
}

// connect opens a connection with the certificate in that secret, none if it is empty.
func (w *world) connect(secret string, options ...nats.Option) (*nats.Conn, error) {
	w.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.secrets[NamesOf(w.c).NodeTLS]["ca.crt"])
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	if secret != "" {
		pair, err := tls.X509KeyPair(w.secrets[secret]["tls.crt"], w.secrets[secret]["tls.key"])
		if err != nil {
			w.t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	options = append(options, nats.Secure(config), nats.NoReconnect(), nats.Timeout(5*time.Second))
	nc, err := nats.Connect(w.url(0), options...)
	if err == nil {
		w.t.Cleanup(nc.Close)
	}
	return nc, err
}

// freePorts gives ports of loopback that nobody listens on.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		ports = append(ports, process.ReservePort(t))
	}
	return ports
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
