package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs certificates of a test.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key, a.pem = a.sign(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign makes a certificate, or the authority's own if it has none yet.
func (a *authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial := big.NewInt(time.Now().UnixNano())
	template.SerialNumber, template.Subject = serial, pkix.Name{CommonName: serial.String()}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
}

// pair is a certificate of a server on loopback and of a client at once.
func (a *authority) pair() (certPEM, keyPEM []byte) {
	_, key, certPEM := a.sign(&x509.Certificate{
		DNSNames: []string{"localhost"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// place writes files that look changed at that time.
func place(t *testing.T, changed time.Time, files map[string][]byte) {
	t.Helper()
	for file, content := range files {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
}

// guardedNode is a node whose admin port asks for certificates of the authority, and its files.
func guardedNode(t *testing.T, a *authority) (n *node, files [3]string) {
	t.Helper()
	dir := t.TempDir()
	files = [3]string{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")}
	cert, key := a.pair()
	place(t, time.Now(), map[string][]byte{files[0]: cert, files[1]: key, files[2]: a.pem})
	return startTestNode(t, "--admin-tls-cert="+files[0], "--admin-tls-key="+files[1], "--admin-client-ca="+files[2]), files
}

// ask does one request over a new connection, with a certificate of client if there is one, to a server that server has signed.
func ask(t *testing.T, url string, server, client *authority) (int, error) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(server.cert)
	c := &tls.Config{RootCAs: roots, ServerName: "localhost"}
	if client != nil {
		pair, err := tls.X509KeyPair(client.pair())
		if err != nil {
			t.Fatal(err)
		}
		// It is shown whatever authorities the server names.
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	response, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}).Get(url)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func TestAdminPortTellsMoreThanHealthOnlyToClientsWithACertificate(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	n, _ := guardedNode(t, a)
	admin := "https://" + n.admin.Addr().String()
	for path, without := range map[string]int{
		"/healthz": 200, "/readyz": 200, "/metrics": 403, "/load": 403, "/debug/pprof/cmdline": 403, "/nothing": 403, "//healthz": 403,
	} {
		if status, err := ask(t, admin+path, a, nil); status != without || err != nil {
			t.Errorf("%s without a certificate: %d, %v; want %d", path, status, err, without)
		}
		if without == 403 && path[1] != '/' && path != "/nothing" {
			if status, err := ask(t, admin+path, a, a); status != http.StatusOK || err != nil {
				t.Errorf("%s with a certificate: %d, %v", path, status, err)
			}
		}
		if status, err := ask(t, admin+path, a, stranger); err == nil {
			t.Errorf("%s with a stranger's certificate: %d, want no connection", path, status)
		}
	}
	if _, err := tls.Dial("tcp", n.admin.Addr().String(), &tls.Config{MaxVersion: tls.VersionTLS11, InsecureSkipVerify: true}); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestAdminPortFollowsItsCertificateAndItsAuthorities(t *testing.T) {
	before, after := newAuthority(t), newAuthority(t)
	n, files := guardedNode(t, before)
	admin := "https://" + n.admin.Addr().String() + "/load"
	if status, err := ask(t, admin, before, before); status != http.StatusOK || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	cert, key := after.pair()
	place(t, time.Now().Add(time.Second), map[string][]byte{files[0]: cert, files[1]: key, files[2]: after.pem})
	await(t, func() error {
		status, err := ask(t, admin, after, after)
		if err == nil && status != http.StatusOK {
			err = errors.New(http.StatusText(status))
		}
		return err
	})
	if status, err := ask(t, admin, after, before); err == nil {
		t.Errorf("a client of the old authority got %d", status)
	}
	// Two authorities at once, as during a rotation.
	place(t, time.Now().Add(2*time.Second), map[string][]byte{files[2]: append(before.pem, after.pem...)})
	await(t, func() error {
		_, err := ask(t, admin, after, before)
		return err
	})
	if status, err := ask(t, admin, after, after); status != http.StatusOK || err != nil {
		t.Errorf("%d, %v", status, err)
	}
}

// await asks again until there is no error.
func await(t *testing.T, condition func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func TestAdminPortDoesNotStartWithoutItsFiles(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	certFile, keyFile, empty := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "empty")
	cert, key := a.pair()
	place(t, time.Now(), map[string][]byte{certFile: cert, keyFile: key, empty: nil})
	for _, o := range []options{
		{adminCert: filepath.Join(dir, "none"), adminKey: keyFile},
		{adminCert: certFile, adminKey: keyFile, adminClientCA: filepath.Join(dir, "none")},
		{adminCert: certFile, adminKey: keyFile, adminClientCA: empty},
	} {
		if _, err := (&node{o: o, log: slog.New(slog.DiscardHandler)}).adminServer(); err == nil {
			t.Errorf("%+v: no error", o)
		} else {
			t.Log(err)
		}
	}
}
