package plan

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/chatfleet/chatfleet/api/v1alpha1"
)

// maxBase is the longest start of child names, in bytes. The longest child is a StatefulSet's pod with the hash of its revision in a
// label: that fits 63 bytes.
const maxBase = 40

// Names are the names of all children of one ChatCluster, whether or not they are made.
type Names struct {
	// Base is what all of them begin with.
	Base string

	// Node is the Deployment of the chat nodes, and their ServiceAccount, ConfigMap, PodDisruptionBudget, NetworkPolicy and autoscaler.
	Node string
	// Clients is the Service for clients, and the Ingress or HTTPRoute before it.
	Clients string
	// Nodes is the headless Service of the admin ports.
	Nodes string
	// Dashboard is the ConfigMap with the dashboard. PodMonitor and PrometheusRule are named Base.
	Dashboard string

	// Backbone is the StatefulSet of the NATS servers, and their Service for clients, ServiceAccount, ConfigMap, PodDisruptionBudget
	// and NetworkPolicy.
	Backbone string
	// Peers is the headless Service through which the servers find each other.
	Peers string

	// Secrets with certificates. Authority holds the key of the ChatCluster's own authority.
	Authority, BackboneTLS, NodeTLS, OperatorTLS, SystemTLS, MetricsTLS string
}

// NamesOf gives the names of a ChatCluster's children. Two ChatClusters of one namespace never share one.
func NamesOf(c *v1alpha1.ChatCluster) Names {
	base := baseOf(c.Name)
	return Names{
		Base:      base,
		Node:      base + "-node",
		Clients:   base,
		Nodes:     base + "-nodes",
		Dashboard: base + "-dashboard",
		Backbone:  base + "-nats",
		Peers:     base + "-nats-peers",

		Authority:   base + "-ca",
		BackboneTLS: base + "-nats-tls",
		NodeTLS:     base + "-node-tls",
		OperatorTLS: base + "-operator-tls",
		SystemTLS:   base + "-system-tls",
		MetricsTLS:  base + "-metrics-tls",
	}
}

// baseOf shortens a long name, and keeps it apart from others with the same beginning by a hash of all of it.
func baseOf(name string) string {
	if len(name) <= maxBase {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxBase-9] + "-" + hex.EncodeToString(sum[:4])
}
