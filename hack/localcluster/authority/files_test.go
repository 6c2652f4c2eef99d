package authority

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/chatfleet/chatfleet/hack/localcluster/kube"
	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

func TestWriteMakesWhatClientsAndServersVerify(t *testing.T) {
	c := layout.Cluster{Dir: t.TempDir(), Nodes: 2}
	if err := Write(c); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(c.Path("pki", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for file, host := range map[string]string{"apiserver": layout.HostIP, "node1": "node1", "node2": layout.NodeIP(2), "ingress-default": layout.HostIP} {
		pair, err := tls.LoadX509KeyPair(c.Path("pki", file+".crt"), c.Path("pki", file+".key"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
			t.Errorf("%s does not serve %s: %v", file, host, err)
		}
	}
	if _, err := kube.New(c.Kubeconfig("admin"), nil); err != nil {
		t.Error(err)
	}
	key, err := os.Stat(c.Path("pki", "ca.key"))
	if err != nil || key.Mode().Perm() != 0o600 {
		t.Errorf("the key of the authority: %v, %v", key.Mode(), err)
	}
}
