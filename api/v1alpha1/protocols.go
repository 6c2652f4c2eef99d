package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ProtocolsSpec are protocols of other systems that the nodes speak besides their own, so that clients of these systems stay as they are.
// Each is off unless it is here, and has a port of its own on the Service for clients. Their messages are the same messages, in the same
// rooms, as those of all other clients.
//
// +kubebuilder:validation:XValidation:rule="!has(self.mqtt) || !has(self.heimdallr) || !(self.heimdallr.port in [self.mqtt.port, self.mqtt.httpPort])",message="mqtt and heimdallr need different ports"
type ProtocolsSpec struct {
	// Heimdallr serves clients of heimdallr: WebSockets on /{room}. They show no identity, so that whoever reaches the port reads and writes
	// every room of the application.
	// +optional
	Heimdallr *HeimdallrProtocol `json:"heimdallr,omitempty"`

	// MQTT serves clients of chat21: MQTT over TCP and WebSocket, and chat21's HTTP API. Tokens say who they are.
	// +optional
	MQTT *MQTTProtocol `json:"mqtt,omitempty"`
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

// MQTTSecretReference names the secret, in the namespace of the ChatCluster, that chat21's tokens are signed with.
type MQTTSecretReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:default=secret
	// +optional
	Key string `json:"key,omitempty"`
}

// MQTTProtocol is how clients of chat21 are served.
//
// +kubebuilder:validation:XValidation:rule="self.port != self.httpPort",message="port and httpPort must differ"
type MQTTProtocol struct {
	ProtocolClients `json:",inline"`

	// SecretRef names the secret of chat21's HS256 tokens, of any length. A change is taken over without a restart.
	SecretRef MQTTSecretReference `json:"secretRef"`

	// Port of the Service for MQTT over TCP.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443])",message="must not be 80 or 443, where chatfleet's own clients come in"
	// +kubebuilder:default=1883
	// +optional
	Port int32 `json:"port,omitempty"`

	// HTTPPort of the Service is for MQTT over WebSocket, and for the HTTP API.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443])",message="must not be 80 or 443, where chatfleet's own clients come in"
	// +kubebuilder:default=15675
	// +optional
	HTTPPort int32 `json:"httpPort,omitempty"`
}
