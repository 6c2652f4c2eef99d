// Package v1alpha1 is the API of chatfleet on Kubernetes: the ChatCluster, which describes a chat fleet and says how it is.
//
// What a user writes goes into the spec; what the operator sees comes out in the status. All rules stand in the schema (CEL), all
// defaults too: what `kubectl get -o yaml` shows is what runs, and no webhook is needed.
//
// +kubebuilder:object:generate=true
// +groupName=chatfleet.dev
package v1alpha1

//go:generate go tool -modfile=../../hack/tools/go.mod controller-gen object crd paths=. output:crd:artifacts:config=../../config/crd
//go:generate go run -C ../../hack/tools ./reference -types ../../api/v1alpha1 -definition ../../config/crd/chatfleet.dev_chatclusters.yaml -out ../../api/v1alpha1/README.md
