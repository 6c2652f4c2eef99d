package control

import (
	"path/filepath"

	"github.com/chatfleet/chatfleet/hack/localcluster/layout"
	"github.com/chatfleet/chatfleet/hack/localcluster/process"
)

const etcdAddress = "http://127.0.0.1:2379"

func component(c layout.Cluster, name, log string, args ...string) process.Command {
	return process.Command{Path: filepath.Join(c.Bin, name), Args: args, Log: c.Log(log)}
}

func etcd(c layout.Cluster) process.Command {
	return component(c, "etcd", "etcd",
		"--name=local",
		"--data-dir="+c.Path("etcd"),
		"--listen-client-urls="+etcdAddress,
		"--advertise-client-urls="+etcdAddress,
		"--listen-peer-urls=http://127.0.0.1:2380",
		"--initial-advertise-peer-urls=http://127.0.0.1:2380",
		"--initial-cluster=local=http://127.0.0.1:2380",
		"--log-level=warn",
		"--unsafe-no-fsync", // the cluster is thrown away with the machine's power
	)
}

func apiserver(c layout.Cluster) process.Command {
	pki := func(file string) string { return c.Path("pki", file) }
	return component(c, "kube-apiserver", "apiserver",
		"--etcd-servers="+etcdAddress,
		"--advertise-address="+layout.HostIP,
		"--secure-port=6443",
		"--service-cluster-ip-range="+layout.ServiceNet,
		"--allow-privileged=true",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",

		"--client-ca-file="+pki("ca.crt"),
		"--tls-cert-file="+pki("apiserver.crt"),
		"--tls-private-key-file="+pki("apiserver.key"),
		"--kubelet-certificate-authority="+pki("ca.crt"),
		"--kubelet-client-certificate="+pki("kubelet-client.crt"),
		"--kubelet-client-key="+pki("kubelet-client.key"),
		"--kubelet-preferred-address-types=InternalIP",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-key-file="+pki("service-account.pub"),
		"--service-account-signing-key-file="+pki("service-account.key"),

		// metrics-server, and webhooks: the host has routes to pods, so they are reached without a proxy.
		"--enable-aggregator-routing=true",
		"--requestheader-client-ca-file="+pki("front-ca.crt"),
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file="+pki("front-proxy.crt"),
		"--proxy-client-key-file="+pki("front-proxy.key"),

		"--audit-policy-file="+c.Path("audit-policy.yaml"),
		"--audit-log-path="+c.Path("audit.log"),
		"--audit-log-maxsize=200",
		"--audit-log-maxbackup=3",

		// A lost node shows within a test's patience.
		"--default-not-ready-toleration-seconds=10",
		"--default-unreachable-toleration-seconds=10",
		"--v=1",
	)
}

func controllerManager(c layout.Cluster) process.Command {
	config := c.Kubeconfig("controller-manager")
	return component(c, "kube-controller-manager", "controller-manager",
		"--kubeconfig="+config,
		"--authentication-kubeconfig="+config,
		"--authorization-kubeconfig="+config,
		"--use-service-account-credentials=true",
		"--service-account-private-key-file="+c.Path("pki", "service-account.key"),
		"--root-ca-file="+c.Path("pki", "ca.crt"),
		"--cluster-signing-cert-file="+c.Path("pki", "ca.crt"),
		"--cluster-signing-key-file="+c.Path("pki", "ca.key"),
		"--cluster-cidr="+layout.PodNet,
		"--service-cluster-ip-range="+layout.ServiceNet,
		"--allocate-node-cidrs=false",
		"--leader-elect=false",
		"--flex-volume-plugin-dir="+c.Path("plugins"), // or it makes one on the machine
		"--kube-api-qps=300",
		"--kube-api-burst=600",

		// Tests don't wait minutes for a node to be called lost, or for an autoscaler to look.
		"--node-monitor-grace-period=20s",
		"--horizontal-pod-autoscaler-sync-period=5s",
		"--horizontal-pod-autoscaler-downscale-stabilization=20s",
		"--horizontal-pod-autoscaler-initial-readiness-delay=5s",
		"--horizontal-pod-autoscaler-cpu-initialization-period=15s",
		"--v=1",
	)
}

func scheduler(c layout.Cluster) process.Command {
	config := c.Kubeconfig("scheduler")
	return component(c, "kube-scheduler", "scheduler",
		"--kubeconfig="+config,
		"--authentication-kubeconfig="+config,
		"--authorization-kubeconfig="+config,
		"--leader-elect=false",
		"--kube-api-qps=300",
		"--kube-api-burst=600",
		"--v=1",
	)
}
