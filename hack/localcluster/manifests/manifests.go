// Package manifests holds what is applied to a new cluster: its name server, its metrics, storage and ingress classes, the rights of the
// tool's own controllers, and the audit policy of the API server.
package manifests

import "embed"

// Objects are the objects of a new cluster, one YAML file for each matter.
//
//go:embed objects/*.yaml
var Objects embed.FS

// AuditPolicy says what the API server writes down.
//
//go:embed audit-policy.yaml
var AuditPolicy []byte
