package authority

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"testing"
)

// shake does one handshake over loopback, and gives what the client and the server said to it.
func shake(t *testing.T, client, server *tls.Config) (clientSays, serverSays error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			err = c.(*tls.Conn).HandshakeContext(t.Context())
			_ = c.Close()
		}
		served <- err
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = tls.Client(c, client).HandshakeContext(t.Context())
	_ = c.Close()
	return err, <-served
}

func keyPair(t *testing.T, p Pair) []tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair(p.Cert, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

func TestAPairIsTrustedByThoseWhoTrustItsAuthorityAlone(t *testing.T) {
	one, other := New(t), New(t)
	server := &tls.Config{Certificates: keyPair(t, one.Pair("server")), ClientCAs: one.Roots(), ClientAuth: tls.RequireAndVerifyClientCert}
	for _, name := range []string{"localhost", "127.0.0.1"} {
		c, s := shake(t, &tls.Config{Certificates: keyPair(t, one.Pair("client")), RootCAs: one.Roots(), ServerName: name}, server)
		if c != nil || s != nil {
			t.Errorf("as %s: the client says %v, the server %v", name, c, s)
		}
	}
	if c, _ := shake(t, &tls.Config{RootCAs: other.Roots(), ServerName: "localhost"}, server); c == nil {
		t.Error("a client of another authority trusts the server")
	}
	stranger := keyPair(t, other.Pair("client"))
	_, s := shake(t, &tls.Config{
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger[0], nil },
		RootCAs:              one.Roots(), ServerName: "localhost",
	}, server)
	if s == nil {
		t.Error("the server trusts a client of another authority")
	}
}

func TestAPairHasItsNameAndLiesInItsFiles(t *testing.T) {
	a := New(t)
	certFile, keyFile := filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	a.Pair("first").Write(t, certFile, keyFile)
	a.Pair("second").Write(t, certFile, keyFile)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if name := pair.Leaf.Subject.CommonName; name != "second" {
		t.Errorf("it is called %s", name)
	}
	if info, err := os.Stat(keyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestItsPEMIsWhatItsRootsTrust(t *testing.T) {
	a := New(t)
	read := x509.NewCertPool()
	if !read.AppendCertsFromPEM(a.PEM) || !read.Equal(a.Roots()) || read.Equal(New(t).Roots()) {
		t.Error("they differ")
	}
}
