package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ProtocolsSpec are protocols of other systems that the nodes speak besides their own, so that clients of these systems stay as they are.
// Each is off unless it is here, and has a port of its own on the Service for clients. Their messages are the same messages, in the same
// rooms, as those of all other clients.
//
// +kubebuilder:validation:XValidation:rule="[(has(self.heimdallr) ? [self.heimdallr.port] : []) + (has(self.pull) ? [self.pull.port] : []) + (has(self.push) ? [self.push.port] : []) + (has(self.comet) ? [self.comet.port, self.comet.sqlPort] : []) + (has(self.mqtt) ? [self.mqtt.port, self.mqtt.httpPort] : [])].all(ports, ports.all(p, ports.exists_one(q, q == p)))",message="protocols must have different ports"
type ProtocolsSpec struct {
	// Heimdallr serves clients of heimdallr: WebSockets on /{room}. They show no identity, so that whoever reaches the port reads and writes
	// every room of the application.
	// +optional
	Heimdallr *HeimdallrProtocol `json:"heimdallr,omitempty"`

	// Pull serves clients of distributed-chat: /ping, /api/send and /api/pull. They show no identity, so that whoever reaches the port reads
	// and writes, as anybody, every direct conversation of the application.
	// +optional
	Pull *PullProtocol `json:"pull,omitempty"`

	// Push serves clients of cHaTTP: commands by HTTP, and messages by HTTP push. Names and passwords come in URLs: set tls, or end TLS in front of it.
	// +optional
	Push *PushProtocol `json:"push,omitempty"`

	// Comet serves clients of CppComet: browsers on WebSockets, and backends that speak CometQL with any MySQL client.
	// +optional
	Comet *CometProtocol `json:"comet,omitempty"`

	// MQTT serves clients of chat21: MQTT over TCP and WebSocket, and chat21's HTTP API. Tokens say who they are.
	// +optional
	MQTT *MQTTProtocol `json:"mqtt,omitempty"`
}

// ProtocolClients says who may reach a protocol's port, and how.
type ProtocolClients struct {
	// TLS has the nodes serve this protocol's clients with the certificate of exposure.tlsSecretName. Otherwise they come in plain, as through
	// something that ends TLS before them. CometQL goes over to TLS by itself wherever there is a certificate.
	// +kubebuilder:default=false
	// +optional
	TLS bool `json:"tls,omitempty"`

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

// PushProtocol is how clients of cHaTTP are served.
type PushProtocol struct {
	ProtocolClients `json:",inline"`

	// App is the application that the users belong to. At most 128 bytes.
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
	// +kubebuilder:default=8082
	// +optional
	Port int32 `json:"port,omitempty"`

	// Shape is the web gateway of cHaTTP whose answers these are.
	// +kubebuilder:default=Cpp
	// +optional
	Shape PushShape `json:"shape,omitempty"`

	// Closed lets nobody register. Otherwise whoever reaches the port can take any name of the application that nobody has used yet.
	// +kubebuilder:default=false
	// +optional
	Closed bool `json:"closed,omitempty"`

	// Concurrency says which of several polls of one channel a node answers: First refuses the newer, Last the older, Broadcast none.
	// +kubebuilder:default=First
	// +optional
	Concurrency PushConcurrency `json:"concurrency,omitempty"`

	// Interval answers polls for which there is no message with 304 at once, instead of letting them wait.
	// +kubebuilder:default=false
	// +optional
	Interval bool `json:"interval,omitempty"`
}

// PushShape is one of the two web gateways of cHaTTP.
// +kubebuilder:validation:Enum=Cpp;Haskell
type PushShape string

// The web gateways of cHaTTP.
const (
	PushShapeCpp     PushShape = "Cpp"
	PushShapeHaskell PushShape = "Haskell"
)

// PushConcurrency says which of several polls of one channel are answered.
// +kubebuilder:validation:Enum=First;Last;Broadcast
type PushConcurrency string

// Which polls are answered.
const (
	PushConcurrencyFirst     PushConcurrency = "First"
	PushConcurrencyLast      PushConcurrency = "Last"
	PushConcurrencyBroadcast PushConcurrency = "Broadcast"
)

// CometSecretReference names the secret, in the namespace of the ChatCluster, that has the password of CometQL.
type CometSecretReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:default=password
	// +optional
	Key string `json:"key,omitempty"`
}

// CometProtocol is how clients of CppComet are served.
type CometProtocol struct {
	ProtocolClients `json:",inline"`

	// BackendNamespaces limits the clients of CometQL to pods of namespaces with these labels. Absent: it is as for browsers. Whoever has
	// the password may do everything in every application.
	// +optional
	BackendNamespaces *metav1.LabelSelector `json:"backendNamespaces,omitempty"`

	// PasswordSecretRef names the secret with the password of CometQL, with which JSON Web Tokens of CppComet are signed, too. A change is
	// taken over without a restart.
	PasswordSecretRef CometSecretReference `json:"passwordSecretRef"`

	// App is the application of CppComet's tenant 0; tenant 7 is the application 7. At most 128 bytes.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 128",message="must have at most 128 bytes of UTF-8"
	// +kubebuilder:default=default
	// +optional
	App string `json:"app,omitempty"`

	// Port of the Service for browsers.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443])",message="must not be 80 or 443, where chatfleet's own clients come in"
	// +kubebuilder:default=8087
	// +optional
	Port int32 `json:"port,omitempty"`

	// SQLPort of the Service is for CometQL.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +kubebuilder:validation:XValidation:rule="!(self in [80, 443])",message="must not be 80 or 443, where chatfleet's own clients come in"
	// +kubebuilder:default=3307
	// +optional
	SQLPort int32 `json:"sqlPort,omitempty"`
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
