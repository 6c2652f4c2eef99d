package main

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chatfleet/chatfleet/test/authority"
)

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
func guardedNode(t *testing.T, a *authority.Authority) (n *node, files [3]string) {
	t.Helper()
	dir := t.TempDir()
	files = [3]string{filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")}
	pair := a.Pair("node")
	place(t, time.Now(), map[string][]byte{files[0]: pair.Cert, files[1]: pair.Key, files[2]: a.PEM})
	return startTestNode(t, "--admin-tls-cert="+files[0], "--admin-tls-key="+files[1], "--admin-client-ca="+files[2]), files
}

// ask does one request over a new connection, with a certificate of client if there is one, to a server that server has signed.
func ask(t *testing.T, url string, server, client *authority.Authority) (int, error) {
	t.Helper()
	c := &tls.Config{RootCAs: server.Roots(), ServerName: "localhost"}
	if client != nil {
		shown := client.Pair("client")
		pair, err := tls.X509KeyPair(shown.Cert, shown.Key)
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
	a, stranger := authority.New(t), authority.New(t)
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
	before, after := authority.New(t), authority.New(t)
	n, files := guardedNode(t, before)
	admin := "https://" + n.admin.Addr().String() + "/load"
	if status, err := ask(t, admin, before, before); status != http.StatusOK || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	pair := after.Pair("node")
	place(t, time.Now().Add(time.Second), map[string][]byte{files[0]: pair.Cert, files[1]: pair.Key, files[2]: after.PEM})
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
	place(t, time.Now().Add(2*time.Second), map[string][]byte{files[2]: slices.Concat(before.PEM, after.PEM)})
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
	dir := t.TempDir()
	certFile, keyFile, empty := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "empty")
	authority.New(t).Pair("node").Write(t, certFile, keyFile)
	place(t, time.Now(), map[string][]byte{empty: nil})
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
