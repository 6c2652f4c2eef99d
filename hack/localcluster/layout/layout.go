// Package layout is the geography of a local cluster: its addresses, its files and what was decided about it when it came up.
package layout

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// The networks of a cluster. They exist in namespaces that have no way out, so that they collide with nothing of the machine.
const (
	HostIP     = "10.245.0.1" // the bridge between the nodes: control plane, ingress, and where tests run
	HostNet    = "10.245.0.1/24"
	PodNet     = "10.244.0.0/16"
	ServiceNet = "10.96.0.0/16"
	ServiceIP  = "10.96.0.1"  // Service kubernetes
	DNSIP      = "10.96.0.10" // Service kube-dns
	APIServer  = "https://10.245.0.1:6443"
	MaxNodes   = 9
)

// NodeName gives the name of node n, which counts from 1.
func NodeName(n int) string { return fmt.Sprintf("node%d", n) }

// NodeIP gives the address of node n on the bridge.
func NodeIP(n int) string { return fmt.Sprintf("10.245.0.%d", 10+n) }

// NodePods gives the network of the pods of node n.
func NodePods(n int) string { return fmt.Sprintf("10.244.%d.0/24", n) }

// Cluster is one cluster on this machine.
type Cluster struct {
	Dir    string `json:"dir"`    // absolute; all that the cluster writes lies below it
	Bin    string `json:"bin"`    // absolute; the programs of Kubernetes
	Images string `json:"images"` // absolute; images that every node imports when it starts for the first time
	Nodes  int    `json:"nodes"`
	Cgroup string `json:"cgroup"` // name of the control group that holds those of the nodes
}

// Path gives a file of the cluster.
func (c Cluster) Path(elem ...string) string {
	return filepath.Join(append([]string{c.Dir}, elem...)...)
}

// Tool is the copy of this program that the cluster runs, for `go run` removes its own.
func (c Cluster) Tool() string { return c.Path("bin", "localcluster") }

// Log gives the log file of a process of the cluster.
func (c Cluster) Log(process string) string { return c.Path("logs", process+".log") }

// Lock is the file that the cluster's first process locks for as long as it lives.
func (c Cluster) Lock() string { return c.Path("lock") }

// Kubeconfig gives the file with which a user of the cluster, "admin" for one, speaks to the API server.
func (c Cluster) Kubeconfig(user string) string {
	if user == "admin" {
		return c.Path("kubeconfig")
	}
	return c.Path("pki", user+".kubeconfig")
}

// NodeDir gives the directory that is the disk of node n.
func (c Cluster) NodeDir(n int) string { return c.Path("nodes", NodeName(n)) }

// Off gives the file whose existence says that node n is to be without power.
func (c Cluster) Off(n int) string { return c.Path("off", NodeName(n)) }

// Loaded is the directory of the images that were loaded since the cluster came up.
func (c Cluster) Loaded() string { return c.Path("images") }

// Save writes what was decided.
func (c Cluster) Save() error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the cluster: %w", err)
	}
	if err := os.WriteFile(c.Path("cluster.json"), text, 0o644); err != nil {
		return fmt.Errorf("remember the cluster: %w", err)
	}
	return nil
}

// Load reads what Save wrote below dir. The error is os.ErrNotExist if there is no cluster.
func Load(dir string) (Cluster, error) {
	var c Cluster
	text, err := os.ReadFile(filepath.Join(dir, "cluster.json"))
	if err != nil {
		return c, fmt.Errorf("read the cluster: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("read the cluster in %s: %w", dir, err)
	}
	return c, nil
}
