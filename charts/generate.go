// Package charts holds the Helm charts: chatfleet-operator for who runs a Kubernetes cluster, chatcluster for who runs a chat.
//
// What of them is made from config/crd is made by `make generate`: the operator chart's copy of the definition, and the schema of the
// chatcluster chart's values. The Go here is the rest of that, and tests that render the charts and config/ and read what comes out.
package charts

//go:generate cp ../config/crd/chatfleet.dev_chatclusters.yaml chatfleet-operator/files/chatfleet.dev_chatclusters.yaml
//go:generate go run ./valuesschema -crd ../config/crd/chatfleet.dev_chatclusters.yaml -own chatcluster/schema/own.json -out chatcluster/values.schema.json
