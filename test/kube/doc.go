// Package kube gives tests a real Kubernetes API server: kube-apiserver and etcd of one version, on free loopback ports, with the CRDs of
// config/crd installed. No kubelet, no controllers: objects are stored, defaulted, validated, watched and authorized, and nothing acts on
// them (a deleted namespace stays Terminating, owned objects are not collected).
//
// In goes a folder of binaries: the environment variable CHATFLEET_KUBE_BIN, or .cache/kubernetes/current/bin below the repository. Out
// comes, for each test, a Cluster with a namespace of its own:
//
//	func TestMain(m *testing.M) { kube.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		c := kube.Start(t)
//		err := c.Client.Create(t.Context(), &v1alpha1.ChatCluster{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: "lobby"}})
//	}
//
// There is one server per test process, started by the first test that asks. Nothing outlives the process: Main kills both, and the kernel
// does when the test binary itself dies (Linux).
//
// Without binaries a test fails and says what to do; under -short it is skipped.
package kube
