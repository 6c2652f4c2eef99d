package node

import (
	"fmt"
	"path/filepath"

	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

// socket is containerd's, in the node's own /run.
const socket = "/run/containerd/containerd.sock"

// PauseImage holds the namespaces of each pod. No registry can ever answer for its name.
const PauseImage = "localcluster.test/pause:dev"

// PluginDir is where Debian puts the network plugins.
const PluginDir = "/usr/lib/cni"

const containerdConfig = `
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "%[1]s"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "%[2]s"
  restrict_oom_score_adj = true # or pods do not start where this process lacks CAP_SYS_RESOURCE
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "%[3]s"
    conf_dir = "%[4]s"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`

const networkConfig = `
{"cniVersion": "1.0.0", "name": "local", "plugins": [
  {"type": "bridge", "bridge": "pods", "isDefaultGateway": true, "ipMasq": false, "hairpinMode": true, "mtu": 1500,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "%s"}]], "dataDir": "/run/ipam"}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

// The thresholds of image collection are where they are because nobody could pull an image again.
const kubeletConfig = `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /%[1]s/%[2]s
containerRuntimeEndpoint: unix://` + socket + `
address: %[3]s
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: "%[4]s/ca.crt"}}
authorization: {mode: Webhook}
tlsCertFile: "%[4]s/%[2]s.crt"
tlsPrivateKeyFile: "%[4]s/%[2]s.key"
clusterDomain: cluster.local
clusterDNS: [` + layout.DNSIP + `]
resolvConf: "%[5]s"
podCIDR: %[6]s
failSwapOn: false
maxPods: 200
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 200Mi, nodefs.available: 1Gi, imagefs.available: 1Gi}
nodeStatusUpdateFrequency: 5s
syncFrequency: 10s
shutdownGracePeriod: 0s
`

const proxyConfig = `
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: nftables
clientConnection: {kubeconfig: "%s"}
clusterCIDR: ` + layout.PodNet + `
hostnameOverride: %s
conntrack: {maxPerCore: 0}
`

func (m *machine) writeConfigs() error {
	name, resolv := layout.NodeName(m.number), m.path("resolv.conf")
	return writeAll(map[string]string{
		m.path("containerd.toml"):            fmt.Sprintf(containerdConfig, socket, PauseImage, PluginDir, m.path("net.d")),
		m.path("net.d", "10-local.conflist"): fmt.Sprintf(networkConfig, layout.NodePods(m.number)),
		m.path("kubelet.yaml"):               fmt.Sprintf(kubeletConfig, m.cluster.Cgroup, name, layout.NodeIP(m.number), m.cluster.Path("pki"), resolv, layout.NodePods(m.number)),
		m.path("proxy.yaml"):                 fmt.Sprintf(proxyConfig, m.cluster.Kubeconfig("proxy"), name),
		resolv:                               "nameserver " + layout.DNSIP + "\n",
	})
}

func (m *machine) containerd() process.Command {
	return process.Command{Path: "containerd", Args: []string{"--config", m.path("containerd.toml")}, Log: m.log("containerd")}
}

func (m *machine) kubelet() process.Command {
	name := layout.NodeName(m.number)
	return process.Command{
		Path: filepath.Join(m.cluster.Bin, "kubelet"),
		Args: []string{
			"--config=" + m.path("kubelet.yaml"),
			"--kubeconfig=" + m.cluster.Kubeconfig(name),
			"--hostname-override=" + name,
			"--node-ip=" + layout.NodeIP(m.number),
			"--node-labels=topology.kubernetes.io/zone=zone" + fmt.Sprint(m.number),
			"--volume-plugin-dir=/var/lib/kubelet-plugins",
			"--v=2",
		},
		Log: m.log("kubelet"),
	}
}

func (m *machine) proxy() process.Command {
	return process.Command{
		Path: filepath.Join(m.cluster.Bin, "kube-proxy"),
		Args: []string{"--config=" + m.path("proxy.yaml"), "--v=1"},
		Log:  m.log("proxy"),
	}
}
