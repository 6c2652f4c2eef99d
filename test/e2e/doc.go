// Package e2e proves the operator on a real Kubernetes: its tests install it with helm, run ChatClusters, break them, and listen to
// clients that talk through the ingress meanwhile.
//
// In go a cluster and images:
//
//	KUBECONFIG=…   the cluster; without it every test is skipped
//	E2E_INGRESS           host:port where the ingress controller takes HTTP; by default what the Ingress says of itself
//	E2E_HELM_SET          values for `helm --set` of the operator chart; by default the images that `make images` builds
//	E2E_OTHER_NODE_IMAGE, E2E_OTHER_NATS_IMAGE  images to update to; by default only pod annotations change
//	E2E_LOCALCLUSTER      the program of hack/localcluster, if the cluster is its: it takes and gives the power of a Kubernetes node
//	E2E_NODE_OFF, E2E_NODE_ON  the commands for that on another cluster; the node's name is appended
//	E2E_AUDIT_LOG         the API server's audit log; by default that of the local cluster
//	E2E_CLASS             storage class that can bind; by default the cluster's
//	E2E_KEEP              if set, nothing is deleted in the end, and what a former run kept is used again
//
// Out come verdicts, figures (lines "figure: name value", also in .cache/e2e/figures.txt), and for a test that failed everything that
// Kubernetes can tell of its namespaces in .cache/e2e/<test>/. `make e2e` runs it all on hack/localcluster.
package e2e
