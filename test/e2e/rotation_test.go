package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	chatclient "github.com/chatfleet/chatfleet/test/client"
)

// rotationWait bounds the way of a Secret into a running pod: the kubelet looks about once a minute.
const rotationWait = 3 * time.Minute

func TestANewTokenSecretIsTakenOverWithoutARestart(t *testing.T) {
	f := needSolo(t)
	before := f.starts(t)
	was, is := f.secret, bytes.Repeat([]byte("rotated."), 6)
	replace := func(content []byte) {
		s := &corev1.Secret{}
		if err := f.kube.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: tokenSecretName}, s); err != nil {
			t.Fatal(err)
		}
		s.Data["secret"] = content
		if err := f.kube.Update(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	// may tells whether tokens of that secret are believed, by every node that the ingress chooses in some tries.
	believed := func(secret []byte, want bool) func() error {
		return func() error {
			trial := f.chat
			trial.secret = secret
			for range 8 {
				c, err := trial.dial(t.Context(), "ann", chatclient.Options{})
				if err == nil {
					c.Close()
				}
				if (err == nil) != want {
					return fmt.Errorf("a token got in: %v (%w)", err == nil, err)
				}
			}
			return nil
		}
	}
	began := time.Now()
	replace(is)
	defer func() {
		replace(was)
		eventually(t, rotationWait, "the first secret to be believed again", believed(was, true))
	}()
	eventually(t, rotationWait, "tokens of the new secret to be believed", believed(is, true))
	seconds(t, "token_secret_rotation", began)
	eventually(t, rotationWait, "tokens of the old secret to be refused", believed(was, false))
	if after := f.starts(t); !maps.Equal(before, after) {
		t.Errorf("pods were replaced or restarted: before %v, after %v", before, after)
	}
}

// leaf is the certificate in a Secret of the operator's.
func (f fleet) leaf(t *testing.T, secret string) (pair tls.Certificate, parsed *x509.Certificate, err error) {
	t.Helper()
	var s corev1.Secret
	if err := f.kube.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: secret}, &s); err != nil {
		return pair, nil, err
	}
	block, _ := pem.Decode(s.Data["tls.crt"])
	if block == nil {
		return pair, nil, fmt.Errorf("%s holds no certificate", secret)
	}
	if parsed, err = x509.ParseCertificate(block.Bytes); err != nil {
		return pair, nil, err
	}
	pair, err = tls.X509KeyPair(s.Data["tls.crt"], s.Data["tls.key"])
	return pair, parsed, err
}

var forwarded = regexp.MustCompile(`Forwarding from (127\.0\.0\.1:\d+)`)

// forward makes a port of a pod reachable until the test ends.
func forward(t *testing.T, namespace, pod string, port int) (address string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, tool("kubectl"), "port-forward", "--namespace", namespace, "pod/"+pod, fmt.Sprintf(":%d", port))
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = command.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := forwarded.FindStringSubmatch(lines.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("kubectl forwards no port of %s", pod)
	return ""
}

// shown is the certificate that a server shows to a client with that one.
func shown(address string, pair tls.Certificate) (*x509.Certificate, error) {
	conn, err := tls.Dial("tcp", address, &tls.Config{Certificates: []tls.Certificate{pair}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// An authority that is lost is replaced. First everybody trusts the new one beside the old one, and minutes later, which this test doesn't
// wait for, the certificates are signed by it: so nobody notices.
func TestALostAuthorityIsReplacedUnnoticed(t *testing.T) {
	f := needSolo(t)
	before := f.starts(t)
	n := f.names()
	_, old, err := f.leaf(t, n.Authority)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.kube.Delete(t.Context(), f.child(t, "Secret", n.Authority).Object); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{n.BackboneTLS, n.NodeTLS, n.OperatorTLS, n.SystemTLS, n.MetricsTLS} {
		eventually(t, time.Minute, secret+" to trust a new authority and the one that signed it", func() error {
			_, now, err := f.leaf(t, n.Authority)
			if err != nil {
				return err
			}
			if now.Equal(old) {
				return errors.New("the authority is the old one")
			}
			_, mine, err := f.leaf(t, secret)
			if err != nil {
				return err
			}
			trusted := f.trusted(t, secret)
			signed := func(c *x509.Certificate) bool { return mine.CheckSignatureFrom(c) == nil }
			if !slices.ContainsFunc(trusted, now.Equal) || !slices.ContainsFunc(trusted, signed) {
				return fmt.Errorf("one of %d authorities that are trusted lacks", len(trusted))
			}
			return nil
		})
	}
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
	if after := f.starts(t); !maps.Equal(before, after) {
		t.Errorf("pods were replaced or restarted: before %v, after %v", before, after)
	}
}

// trusted are the authorities in a Secret.
func (f fleet) trusted(t *testing.T, secret string) (all []*x509.Certificate) {
	t.Helper()
	var s corev1.Secret
	if err := f.kube.Get(t.Context(), client.ObjectKey{Namespace: f.namespace, Name: secret}, &s); err != nil {
		t.Fatal(err)
	}
	for block, rest := pem.Decode(s.Data["ca.crt"]); block != nil; block, rest = pem.Decode(rest) {
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("read the authorities of %s: %v", secret, err)
		}
		all = append(all, c)
	}
	return all
}

func TestNewCertificatesAreTakenOverWithoutARestart(t *testing.T) {
	f := needSolo(t)
	before := f.starts(t)
	n := f.names()
	served := map[string]string{ // by Secret, where its certificate is shown
		n.BackboneTLS: forward(t, f.namespace, f.pods(t, "backbone")[0].Name, 8222),
		n.NodeTLS:     forward(t, f.namespace, f.pods(t, "node")[0].Name, 9090),
	}
	began := time.Now()
	for _, secret := range []string{n.BackboneTLS, n.NodeTLS, n.OperatorTLS, n.SystemTLS, n.MetricsTLS} {
		_, old, err := f.leaf(t, secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.kube.Delete(t.Context(), f.child(t, "Secret", secret).Object); err != nil {
			t.Fatal(err)
		}
		eventually(t, time.Minute, "a new certificate in "+secret, func() error {
			_, now, err := f.leaf(t, secret)
			if err == nil && now.SerialNumber.Cmp(old.SerialNumber) == 0 {
				err = errors.New("it is the old one")
			}
			return err
		})
	}
	for secret, address := range served {
		client, _, err := f.leaf(t, n.OperatorTLS)
		if err != nil {
			t.Fatal(err)
		}
		_, want, err := f.leaf(t, secret)
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, rotationWait, "the certificate of "+secret+" to be shown", func() error {
			got, err := shown(address, client)
			if err == nil && got.SerialNumber.Cmp(want.SerialNumber) != 0 {
				err = errors.New("another one is shown")
			}
			return err
		})
	}
	seconds(t, "certificate_rotation", began)
	f.waitReady(t, readyWait)
	f.waitExchange(t, time.Minute)
	if after := f.starts(t); !maps.Equal(before, after) {
		t.Errorf("pods were replaced or restarted: before %v, after %v", before, after)
	}
}
