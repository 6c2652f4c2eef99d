package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ProtocolsSpec are protocols of other systems that the nodes speak besides their own, so that clients of these systems stay as they are.
// Each is off unless it is here, and has a port of its own on the Service for clients. Their messages are the same messages, in the same
// rooms, as those of all other clients.
//
// +kubebuilder:validation:XValidation:rule="!has(self.heimdallr) || !has(self.pull) || self.heimdallr.port != self.pull.port",message="heimdallr and pull must have different ports"
type ProtocolsSpec struct {
	// Heimdallr serves clients of heimdallr: WebSockets on /{room}. They show no identity, so that whoever reaches the port reads and writes
	// every room of the application.
	// +optional
	Heimdallr *HeimdallrProtocol `json:"heimdallr,omitempty"`

	// Pull serves clients of distributed-chat: /ping, /api/send and /api/pull. They show no identity, so that whoever reaches the port reads
	// and writes, as anybody, every direct conversation of the application.
	// +optional
	Pull *PullProtocol `json:"pull,omitempty"`
}

// ProtocolClients says who may reach a protocol's port.
type ProtocolClients struct {
	// ClientNamespaces limits the clients of this protocol to pods of namespaces with these labels. Absent: networkPolicy.clientNamespaces
	// says who may connect.
	// +optional
	ClientNamespaces *metav1.LabelSelector `json:"clientNamespaces,omitempty"`
}

// HeimdallrProtocol is how clients of heimdallr are served.
type HeimdallrProtocol struct {
	ProtocolClients `json:",inline"`

	// App is the application that the rooms belong to: room 7 is room:7 there. At most 128 bytes.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 128",message="must have at most 128 bytes of UTF-8"
	// +kubebuilder:default=default
	// +optional
	App string `json:"app,omitempty"`

	// Port of the Service for these clients.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443])",message="must not be 80 or 443, where chatfleet's own clients come in"
	// +kubebuilder:default=8000
	// +optional
	Port int32 `json:"port,omitempty"`

	// Admin opens heimdallr's health port, 8099, and its port of statistics and failover, 8090, on every pod. Neither asks who calls, and
	// the Service has neither.
	// +kubebuilder:default=false
	// +optional
	Admin bool `json:"admin,omitempty"`
}

// PullDialect is one of the ways in which servers of distributed-chat's interface differ.
// +kubebuilder:validation:Enum=default;a;b;c
type PullDialect string

// PullProtocol is how clients of distributed-chat are served.
type PullProtocol struct {
	ProtocolClients `json:",inline"`

	// App is the application that the chats belong to: a:b is the direct conversation of its users a and b. At most 128 bytes.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 128",message="must have at most 128 bytes of UTF-8"
	// +kubebuilder:default=default
	// +optional
	App string `json:"app,omitempty"`

	// Port of the Service for these clients.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443])",message="must not be 80 or 443, where chatfleet's own clients come in"
	// +kubebuilder:default=8081
	// +optional
	Port int32 `json:"port,omitempty"`

	// Dialect is how the clients speak: default, which is right where the others are not, or as distributed-chat itself, a, or as one of two
	// families of other servers, b and c.
	// +kubebuilder:default=default
	// +optional
	Dialect PullDialect `json:"dialect,omitempty"`
}
