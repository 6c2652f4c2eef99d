package backbone

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/chatfleet/chatfleet/controllers/pki"
	"github.com/chatfleet/chatfleet/test/process"
)

// secured are servers as the operator runs them: with certificates of its own everywhere, and users that are known by theirs.
type secured struct {
	*process.NATSCluster
	secrets map[string]map[string][]byte
}

const (
	serverSecret   = "lobby-nats-tls"
	nodeSecret     = "lobby-node-tls"
	operatorSecret = "lobby-operator-tls"
	systemSecret   = "lobby-system-tls"
)

func startSecured(t *testing.T, servers int, nodeRights string) *secured {
	t.Helper()
	issued, err := pki.Issue("lobby-ca", []pki.Wanted{
		{Name: serverSecret, DNSNames: []string{"localhost", "127.0.0.1"}, Server: true, Client: true},
		{Name: nodeSecret, DNSNames: []string{"node.chatfleet.internal"}, Client: true},
		{Name: operatorSecret, DNSNames: []string{"operator.chatfleet.internal"}, Client: true},
		{Name: systemSecret, DNSNames: []string{"system.chatfleet.internal"}, Client: true},
	}, nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &secured{secrets: maps.Clone(issued.Secrets)}
	dir := t.TempDir()
	for file, content := range s.secrets[serverSecret] {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := fmt.Sprintf("cert_file: %q, key_file: %q, ca_file: %q", filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt"))
	s.NATSCluster = startNATSWith(t, process.NATSOptions{
		Servers:      servers,
		ClusterExtra: "tls { " + files + " }",
		Extra: "tls { " + files + `, verify_and_map: true }
system_account: SYS
accounts {
  SYS { users: [ { user: "system.chatfleet.internal" } ] }
  CHAT { jetstream: enabled, users: [
    { user: "operator.chatfleet.internal" }
    { user: "node.chatfleet.internal"` + nodeRights + ` }
  ] }
}
`,
		Connect: []nats.Option{nats.Secure(s.clientConfig(t, operatorSecret))},
	})
	return s
}

// adminAs is JetStream for the test itself, as the operator.
func adminAs(t *testing.T, s *secured) jetstream.JetStream {
	t.Helper()
	return admin(t, s.URL(), nats.Secure(s.clientConfig(t, operatorSecret)))
}

func (s *secured) tls(secret string) *TLS {
	data := s.secrets[secret]
	return &TLS{CA: data[pki.KeyAuthorities], Cert: data[pki.KeyCert], Key: data[pki.KeyPrivate]}
}

func (s *secured) clientConfig(t *testing.T, secret string) *tls.Config {
	t.Helper()
	data := s.secrets[secret]
	pair, err := tls.X509KeyPair(data[pki.KeyCert], data[pki.KeyPrivate])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data[pki.KeyAuthorities])
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}
}
