package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// BackboneType says whose NATS servers keep the messages.
// +kubebuilder:validation:Enum=Managed;External
type BackboneType string

// The types of backbone.
const (
	// BackboneManaged is run by the operator.
	BackboneManaged BackboneType = "Managed"
	// BackboneExternal is run by somebody else; the operator makes its streams and buckets there and touches nothing else.
	BackboneExternal BackboneType = "External"
)

// Durability says when a write counts as kept.
// +kubebuilder:validation:Enum=Strict;Relaxed
type Durability string

// The durabilities.
const (
	// DurabilityStrict syncs every write to disk before it is acknowledged.
	DurabilityStrict Durability = "Strict"
	// DurabilityRelaxed leaves that to the interval of NATS (two minutes): a killed process costs nothing, the loss of power everywhere may.
	DurabilityRelaxed Durability = "Relaxed"
)

// BackboneSpec is the NATS JetStream that keeps the messages.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'Managed' || has(self.managed)",message="must be given with type Managed; {} takes its defaults",fieldPath=".managed",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="self.type == 'Managed' || !has(self.managed)",message="must not be set with type External",fieldPath=".managed",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="self.type != 'External' || has(self.external)",message="must be given with type External",fieldPath=".external",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="self.type == 'External' || !has(self.external)",message="must not be set with type Managed",fieldPath=".external",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!has(self.managed) || !has(self.managed.storage) || quantity(string(self.managed.storage.size)).asApproximateFloat() >= double(self.shards) * 6291456.0",message="must be at least 6Mi for each of spec.backbone.shards",fieldPath=".managed.storage.size"
type BackboneSpec struct {
	// Type is Managed if the operator runs the NATS servers, External if they are there already. It can't be changed.
	// +kubebuilder:default=Managed
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="can't be changed: messages would stay behind on the other backbone",reason=FieldValueForbidden
	// +optional
	Type BackboneType `json:"type,omitempty"`

	// Managed describes the servers that the operator runs. It must be there with type Managed; {} takes its defaults, as does a ChatCluster
	// without a backbone.
	// +optional
	Managed *ManagedBackbone `json:"managed,omitempty"`

	// External names the servers that are there already. It must be there with type External.
	// +optional
	External *ExternalBackbone `json:"external,omitempty"`

	// Shards is the number of streams for rooms, and of streams for users. It can't be changed.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=256
	// +kubebuilder:default=16
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="can't be changed: it says in which stream a room lives",reason=FieldValueForbidden
	// +optional
	Shards int32 `json:"shards,omitempty"`
}

// ManagedBackbone describes the NATS servers that the operator runs.
//
// +kubebuilder:validation:XValidation:rule="!has(self.durability) || self.durability != 'Strict' || self.replicas != 1",message="Strict needs 3 or 5 replicas: one server alone would store a few hundred messages a second",fieldPath=".durability"
type ManagedBackbone struct {
	// Replicas is the number of servers: 1, 3 or 5. From 3 on the loss of one costs nothing. Three can become five later, nothing else can
	// change: one server's messages would be dropped by a cluster, and nobody moves the messages of servers that go.
	// +kubebuilder:validation:Enum=1;3;5
	// +kubebuilder:default=1
	// +kubebuilder:validation:XValidation:rule="self == oldSelf || oldSelf == 3 && self == 5",message="can only grow from 3 to 5: one server's messages would be dropped by a cluster, and nobody moves those of servers that go",reason=FieldValueForbidden
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// Storage of each server.
	// +kubebuilder:default={}
	// +optional
	Storage StorageSpec `json:"storage,omitzero"`

	// Resources of each server. Given at all, it replaces the default as a whole.
	// +kubebuilder:default={requests: {cpu: "250m", memory: "512Mi"}, limits: {memory: "512Mi"}}
	// +kubebuilder:validation:XValidation:rule="!has(self.claims)",message="is not supported",fieldPath=".claims",reason=FieldValueForbidden
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	PodPlacement `json:",inline"`

	// Durability says when a write counts as kept. Absent, it is Strict with 3 or 5 servers and Relaxed with one; status.backbone.durability
	// shows which. Strict is refused with one server.
	// +optional
	Durability Durability `json:"durability,omitempty"`

	// DeletionPolicy says what becomes of the volumes with the messages when the ChatCluster is deleted.
	// +kubebuilder:validation:Enum=Retain;Delete
	// +kubebuilder:default=Retain
	// +optional
	DeletionPolicy string `json:"deletionPolicy,omitempty"`

	// Image of the servers. The default is the image of the operator's release; it holds nats-server and a small program that starts it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`
}

// StorageSpec is the volume of one server.
//
// +kubebuilder:validation:XValidation:rule="has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)",message="can't be set, changed or removed later: volumes stay in their class",fieldPath=".className",reason=FieldValueForbidden
type StorageSpec struct {
	// Size of the volume. The servers use 85 % of it, most of that for messages. It can grow, if the storage class allows, but not shrink.
	// +kubebuilder:default="10Gi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity('256Mi')) >= 0",message="must be at least 256Mi"
	// +kubebuilder:validation:XValidation:rule="quantity(string(self)).compareTo(quantity(string(oldSelf))) >= 0",message="must not shrink: volumes only grow",reason=FieldValueForbidden
	// +optional
	Size resource.Quantity `json:"size,omitzero"`

	// ClassName is the storage class; absent, the default one of the cluster. It can't be changed.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	ClassName *string `json:"className,omitempty"`
}

// ExternalBackbone names NATS servers that are there already.
//
// +kubebuilder:validation:XValidation:rule="has(self.prefix) == has(oldSelf.prefix) && (!has(self.prefix) || self.prefix == oldSelf.prefix)",message="can't be set, changed or removed later: messages would stay behind under the other name",fieldPath=".prefix",reason=FieldValueForbidden
type ExternalBackbone struct {
	// URLs of the servers, for example tls://nats.example:4222.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:Pattern=`^(nats|tls|ws|wss)://[^\s,@]+$`
	// +listType=atomic
	URLs []string `json:"urls"`

	// CredentialsSecretRef names a secret that holds NATS credentials (a .creds file). A change is taken over without a restart.
	// +optional
	CredentialsSecretRef *CredentialsReference `json:"credentialsSecretRef,omitempty"`

	// TLSSecretRef names a secret with ca.crt, and with tls.crt and tls.key if the servers ask for a client certificate.
	// +optional
	TLSSecretRef *SecretReference `json:"tlsSecretRef,omitempty"`

	// Prefix stands before every subject, stream and bucket, so that fleets can share an account. The default is made of namespace and
	// name. It can't be changed.
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]{1,128}$`
	// +optional
	Prefix string `json:"prefix,omitempty"`
}

// CredentialsReference names the secret, in the namespace of the ChatCluster, that holds NATS credentials.
type CredentialsReference struct {
	// Name of the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Key within the secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:default="nats.creds"
	// +optional
	Key string `json:"key,omitempty"`
}

// HistorySpec is how long and how much the backbone keeps.
type HistorySpec struct {
	// MaxAge of messages, such as 720h; 0s keeps them for ever.
	// +kubebuilder:default="720h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]') && self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}ms)?$') && (duration(self) == duration('0s') || duration(self) >= duration('1m'))",message="must be a duration of at least 1m, such as 720h, or 0s for ever"
	// +optional
	MaxAge *metav1.Duration `json:"maxAge,omitempty"`

	// MaxBytes of all messages together, one copy counted. When they are reached, the oldest go. Absent: on a managed backbone what its
	// volumes have room for, on an external one no limit but that of the account; accounts that
	// demand limits need it.
	// +optional
	MaxBytes *resource.Quantity `json:"maxBytes,omitempty"`

	// Replicas is the number of copies of each message: 1, 3 or 5. Absent: as many as the managed backbone has servers, 1 on an external one.
	// +kubebuilder:validation:Enum=1;3;5
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
}
