package authority

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
)

// users are the identities that get a kubeconfig, under the name of their file.
func users(c layout.Cluster) map[string]Identity {
	all := map[string]Identity{
		"admin":              {Name: "admin", Groups: []string{"system:masters"}},
		"controller-manager": {Name: "system:kube-controller-manager"},
		"scheduler":          {Name: "system:kube-scheduler"},
		"proxy":              {Name: "system:kube-proxy"},
		"ingress":            {Name: "localcluster:ingress"},
		"volume":             {Name: "localcluster:volume"},
		"kwok":               {Name: "localcluster:kwok", Groups: []string{"system:masters"}}, // it plays kubelets, many
	}
	for n := 1; n <= c.Nodes; n++ {
		name := layout.NodeName(n)
		all[name] = Identity{
			Name:   "system:node:" + name,
			Groups: []string{"system:nodes"},
			Hosts:  []string{name, layout.NodeIP(n)},
		}
	}
	return all
}

// Write makes all keys, certificates and kubeconfigs of a cluster below its pki directory.
func Write(c layout.Cluster) error {
	if err := os.MkdirAll(c.Path("pki"), 0o700); err != nil {
		return fmt.Errorf("make the directory of the certificates: %w", err)
	}
	ca, err := New("localcluster")
	if err != nil {
		return err
	}
	front, err := New("localcluster front proxy")
	if err != nil {
		return err
	}
	pairs := map[string]Pair{"ca": ca.Pair, "front-ca": front.Pair}
	issue := func(file string, by *Authority, id Identity) {
		if err == nil {
			pairs[file], err = by.Issue(id)
		}
	}
	issue("apiserver", ca, Identity{Name: "kube-apiserver", Hosts: []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"localhost", "127.0.0.1", layout.HostIP, layout.ServiceIP,
	}})
	issue("kubelet-client", ca, Identity{Name: "localcluster:apiserver"})
	issue("front-proxy", front, Identity{Name: "front-proxy-client"})
	issue("service-account", ca, Identity{Name: "service-account"})
	issue("ingress-default", ca, Identity{Name: "ingress", Hosts: []string{layout.HostIP}})
	for file, id := range users(c) {
		issue(file, ca, id)
	}
	if err != nil {
		return err
	}
	for file, pair := range pairs {
		if err := WritePair(c.Path("pki", file), pair); err != nil {
			return err
		}
	}
	for user := range users(c) {
		if err := writeKubeconfig(c.Kubeconfig(user), user, ca.Cert, pairs[user]); err != nil {
			return err
		}
	}
	return writePublic(c.Path("pki", "service-account.pub"), pairs["service-account"])
}

// WritePair writes path.crt and path.key.
func WritePair(path string, p Pair) error {
	if err := os.WriteFile(path+".crt", p.Cert, 0o644); err != nil {
		return fmt.Errorf("write a certificate: %w", err)
	}
	if err := os.WriteFile(path+".key", p.Key, 0o600); err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return nil
}

// writePublic writes the public key alone, with which the API server verifies the tokens of service accounts.
func writePublic(path string, p Pair) error {
	block, _ := pem.Decode(p.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("read the service account's certificate: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(cert.PublicKey)
	if err != nil {
		return fmt.Errorf("encode the service account's public key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("write the service account's public key: %w", err)
	}
	return nil
}

// writeKubeconfig writes JSON, which is YAML too, so that package kube reads it without a YAML parser.
func writeKubeconfig(path, user string, ca []byte, p Pair) error {
	type named map[string]any
	text, err := json.MarshalIndent(map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"clusters":        []named{{"name": "local", "cluster": named{"server": layout.APIServer, "certificate-authority-data": ca}}},
		"users":           []named{{"name": user, "user": named{"client-certificate-data": p.Cert, "client-key-data": p.Key}}},
		"contexts":        []named{{"name": "local", "context": named{"cluster": "local", "user": user}}},
		"current-context": "local",
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the kubeconfig of %s: %w", user, err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("write kubeconfig %s: %w", filepath.Base(path), err)
	}
	return nil
}
