package backbone

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/chatfleet/chatfleet/test/authority"
)

// issuer is a certificate authority with the files of a server and of a node.
type issuer struct {
	*authority.Authority
	dir string
}

// newIssuer writes ca.crt, server.crt, server.key, node.crt and node.key.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{Authority: authority.New(t), dir: t.TempDir()}
	for _, name := range []string{"server", "node"} {
		i.Pair(name).Write(t, i.file(name+".crt"), i.file(name+".key"))
	}
	if err := os.WriteFile(i.file("ca.crt"), i.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *issuer) file(name string) string { return filepath.Join(i.dir, name) }

// startGuarded starts a NATS server that wants a certificate and a password.
func startGuarded(t *testing.T, i *issuer) string {
	t.Helper()
	return urlOf(startGuardedOn(t, i, server.RANDOM_PORT, t.TempDir()))
}

func urlOf(s *server.Server) string { return "tls://node:s3cret@" + s.Addr().String() }

func startGuardedOn(t *testing.T, i *issuer, port int, dir string) *server.Server {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(i.file("server.crt"), i.file("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
		Username: "node", Password: "s3cret", TLS: true, TLSVerify: true, TLSTimeout: 5,
		TLSConfig: &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: i.Roots(), ClientAuth: tls.RequireAndVerifyClientCert,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server did not start")
	}
	return s
}

func TestNATSIsReachedOverMutualTLSWithAPassword(t *testing.T) {
	i := newIssuer(t)
	url := startGuarded(t, i)
	b := openWith(t, Options{NATS: NATSOptions{URL: url, CA: i.file("ca.crt"), Cert: i.file("node.crt"), Key: i.file("node.key")}, Replicas: 1, Shards: 1})
	send(t, b, room("a"), "1", "1")
}

func TestWithoutTheRightCertificateOrPasswordTheErrorSaysSoAndTellsNoSecret(t *testing.T) {
	i := newIssuer(t)
	url := startGuarded(t, i)
	full := NATSOptions{URL: url, CA: i.file("ca.crt"), Cert: i.file("node.crt"), Key: i.file("node.key")}
	for name, change := range map[string]func(o *NATSOptions){
		"unknown authority":    func(o *NATSOptions) { o.CA = "" },
		"no certificate":       func(o *NATSOptions) { o.Cert, o.Key = "", "" },
		"another password":     func(o *NATSOptions) { o.URL = strings.Replace(url, "s3cret", "s3cret2", 1) },
		"no such CA file":      func(o *NATSOptions) { o.CA = i.file("not-there") },
		"no such certificate":  func(o *NATSOptions) { o.Cert = i.file("not-there") },
		"no such credentials":  func(o *NATSOptions) { o.Credentials = i.file("not-there") },
		"nobody listens there": func(o *NATSOptions) { o.URL = "nats://node:s3cret@127.0.0.1:1" },
	} {
		o := full
		change(&o)
		_, err := Open(context.Background(), Options{NATS: o, Prefix: "test", Shards: 1, Create: true, Replicas: 1, Logger: slog.New(slog.DiscardHandler)})
		if err == nil || !strings.Contains(err.Error(), "connect to NATS at") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %v", name, err)
	}
}

// A certificate, its key and the authority are replaced in their files; the server then comes back with a certificate of the new authority
// and believes in it alone. The node has to follow without a restart.
func TestTheNodeFollowsItsFilesWhenItConnectsAgain(t *testing.T) {
	before, after := newIssuer(t), newIssuer(t)
	data := t.TempDir()
	first := startGuardedOn(t, before, server.RANDOM_PORT, data)
	port := first.Addr().(*net.TCPAddr).Port
	b := openWith(t, Options{
		NATS:     NATSOptions{URL: urlOf(first), CA: before.file("ca.crt"), Cert: before.file("node.crt"), Key: before.file("node.key")},
		Replicas: 1, Shards: 1,
	})
	send(t, b, room("a"), "1", "1")
	for _, name := range []string{"ca.crt", "node.crt", "node.key"} {
		content, err := os.ReadFile(after.file(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(before.file(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	first.Shutdown()
	first.WaitForShutdown()
	startGuardedOn(t, after, port, data)
	await(t, "the node to be connected again", func() bool { return b.Ready() == nil })
	send(t, b, room("a"), "2", "2")
}
