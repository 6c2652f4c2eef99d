package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ChatCluster is a fleet of chat nodes and the NATS JetStream backbone that keeps its messages.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=chc,categories=chat
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.nodes.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Nodes",type=string,JSONPath=`.status.nodes`
// +kubebuilder:printcolumn:name="Connections",type=integer,JSONPath=`.status.connections`
// +kubebuilder:printcolumn:name="Backbone",type=string,JSONPath=`.status.backbone.summary`
// +kubebuilder:printcolumn:name="Version",type=string,JSONPath=`.status.version`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
// +kubebuilder:selectablefield:JSONPath=`.spec.backbone.type`
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",message="metadata.name must be a DNS label: at most 63 lower-case letters, digits and hyphens, beginning with a letter"
type ChatCluster struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// Spec is what is wanted.
	// +kubebuilder:default={}
	// +optional
	Spec ChatClusterSpec `json:"spec,omitzero"`

	// Status is what the operator sees.
	// +optional
	Status ChatClusterStatus `json:"status,omitzero"`
}

// ChatClusterList is a list of ChatClusters.
//
// +kubebuilder:object:root=true
type ChatClusterList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ChatCluster `json:"items"`
}

// ChatClusterSpec describes a chat fleet. Every field has a default: an empty spec is a fleet of two nodes on a one-server backbone.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.autoscaling) && has(self.nodes) && has(self.nodes.replicas))",message="must not be set with spec.autoscaling, which owns the number of nodes",fieldPath=".nodes.replicas",reason=FieldValueForbidden
// +kubebuilder:validation:XValidation:rule="!has(self.hooks) || !has(self.hooks.webhook) || self.hooks.webhook.form != 'Chat21' || (has(self.protocols) && has(self.protocols.mqtt))",message="must be given for a webhook in the form of chat21",fieldPath=".protocols.mqtt",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="(has(self.exposure) && has(self.exposure.tlsSecretName)) || !has(self.protocols) || !((has(self.protocols.heimdallr) && self.protocols.heimdallr.tls) || (has(self.protocols.pull) && self.protocols.pull.tls) || (has(self.protocols.push) && self.protocols.push.tls) || (has(self.protocols.comet) && self.protocols.comet.tls) || (has(self.protocols.mqtt) && self.protocols.mqtt.tls))",message="must be given for protocols over TLS: it is their certificate, too",fieldPath=".exposure.tlsSecretName",reason=FieldValueRequired
// +kubebuilder:validation:XValidation:rule="!has(self.backbone) || !has(self.backbone.managed) || !has(self.history) || !has(self.history.replicas) || self.history.replicas <= self.backbone.managed.replicas",message="must not be greater than spec.backbone.managed.replicas: each copy is on a server of its own",fieldPath=".history.replicas"
// +kubebuilder:validation:XValidation:rule="!has(self.backbone) || !has(self.backbone.managed) || !has(self.history) || !has(self.history.maxBytes) || quantity(string(self.history.maxBytes)).asApproximateFloat() * double(has(self.history.replicas) ? self.history.replicas : self.backbone.managed.replicas) <= quantity(string(self.backbone.managed.storage.size)).asApproximateFloat() * 0.72 * double(self.backbone.managed.replicas)",message="with all copies it must fit into 72 % of the volumes of spec.backbone.managed",fieldPath=".history.maxBytes"
// +kubebuilder:validation:XValidation:rule="!has(self.backbone) || !has(self.history) || !has(self.history.maxBytes) || quantity(string(self.history.maxBytes)).asApproximateFloat() >= double(self.backbone.shards) * 4194304.0",message="must be at least 4Mi for each of spec.backbone.shards",fieldPath=".history.maxBytes"
type ChatClusterSpec struct {
	// Image of the chat nodes. The default is the release of the operator that first saw this ChatCluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Image string `json:"image,omitempty"`

	// ImagePullPolicy of all containers. The default is that of Kubernetes.
	// +kubebuilder:validation:Enum=Always;IfNotPresent;Never
	// +optional
	ImagePullPolicy string `json:"imagePullPolicy,omitempty"`

	// ImagePullSecrets are the names of secrets with registry credentials.
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	// +optional
	ImagePullSecrets []SecretReference `json:"imagePullSecrets,omitempty"`

	// Nodes are the chat nodes, which serve the clients and keep nothing.
	// +kubebuilder:default={}
	// +optional
	Nodes NodesSpec `json:"nodes,omitzero"`

	// Autoscaling, if present, lets the number of nodes follow their load.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`

	// Drain is how a node gives its connections away before it ends.
	// +kubebuilder:default={}
	// +optional
	Drain DrainSpec `json:"drain,omitzero"`

	// Backbone is the NATS JetStream that keeps the messages.
	// +kubebuilder:default={type: Managed, managed: {}}
	// +optional
	Backbone BackboneSpec `json:"backbone,omitzero"`

	// History is how long and how much the backbone keeps.
	// +kubebuilder:default={}
	// +optional
	History HistorySpec `json:"history,omitzero"`

	// Auth is how clients show who they are.
	// +kubebuilder:default={}
	// +optional
	Auth AuthSpec `json:"auth,omitzero"`

	// Rooms is what holds for all rooms.
	// +kubebuilder:default={}
	// +optional
	Rooms RoomsSpec `json:"rooms,omitzero"`

	// AppLimits bound what applications may have in the whole fleet. A change is taken over without a restart, unless it is from no limits or to none.
	// +kubebuilder:validation:MaxItems=500
	// +listType=map
	// +listMapKey=app
	// +optional
	AppLimits []AppLimits `json:"appLimits,omitempty"`

	// Hooks are programs of yours that are told of what happens in rooms, or asked before it does.
	// +optional
	Hooks *HooksSpec `json:"hooks,omitempty"`

	// Search says whether messages can be searched for.
	// +kubebuilder:default={}
	// +optional
	Search SearchSpec `json:"search,omitzero"`

	// Protocols are those of other systems that the nodes speak besides their own. Absent: none.
	// +optional
	Protocols *ProtocolsSpec `json:"protocols,omitempty"`

	// Exposure is how clients reach the nodes.
	// +kubebuilder:default={}
	// +optional
	Exposure ExposureSpec `json:"exposure,omitzero"`

	// Monitoring is what is made for Prometheus and Grafana where their APIs exist.
	// +kubebuilder:default={}
	// +optional
	Monitoring MonitoringSpec `json:"monitoring,omitzero"`

	// NetworkPolicy limits who may talk to the nodes and the backbone.
	// +kubebuilder:default={}
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitzero"`

	// TLS is who signs the certificates between nodes, backbone and operator.
	// +kubebuilder:default={}
	// +optional
	TLS TLSSpec `json:"tls,omitzero"`

	// OperatorUpgrade says when pods take over what a newer operator would make of the same spec (its default image, its pod template):
	// OnSpecChange only together with a change of the spec that restarts them anyway, Immediately at once.
	// +kubebuilder:validation:Enum=OnSpecChange;Immediately
	// +kubebuilder:default=OnSpecChange
	// +optional
	OperatorUpgrade string `json:"operatorUpgrade,omitempty"`

	// Paused stops the operator from changing anything of this ChatCluster. What runs goes on running.
	// +kubebuilder:default=false
	// +optional
	Paused bool `json:"paused,omitempty"`
}
