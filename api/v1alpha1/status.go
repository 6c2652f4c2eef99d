package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ChatClusterStatus is what the operator sees.
type ChatClusterStatus struct {
	// ObservedGeneration is the generation of the spec that this status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Phase sums the conditions up in a word.
	// +optional
	Phase Phase `json:"phase,omitempty"`

	// Conditions, by type: Ready, BackboneReady, NodesReady, Progressing, Degraded, Paused.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Selector of the node pods, for the scale subresource.
	// +optional
	Selector string `json:"selector,omitempty"`

	// Replicas is the number of node pods.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`

	// ReadyReplicas is how many of them are ready.
	// +optional
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// Nodes is "ready/wanted" of the node pods.
	// +optional
	Nodes string `json:"nodes,omitempty"`

	// Connections of clients to the whole fleet. Absent while unknown.
	// +optional
	Connections *int64 `json:"connections,omitempty"`

	// Rooms that are being served. Absent while unknown.
	// +optional
	Rooms *int64 `json:"rooms,omitempty"`

	// Version of the chat nodes: the tag of their image.
	// +optional
	Version string `json:"version,omitempty"`

	// Backbone is what the operator sees of NATS.
	// +optional
	Backbone BackboneStatus `json:"backbone,omitzero"`

	// Autoscaling says who sets the number of nodes.
	// +optional
	Autoscaling AutoscalingStatus `json:"autoscaling,omitzero"`

	// Revision is what the pods were made with, so that a newer operator restarts none of them.
	// +optional
	Revision *Revision `json:"revision,omitempty"`

	// Endpoints are the addresses that clients can use.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Endpoints []string `json:"endpoints,omitempty"`
}

// Phase sums the conditions up in a word.
type Phase string

// The phases.
const (
	// PhasePending: nothing has served clients yet.
	PhasePending Phase = "Pending"
	// PhaseProgressing: a change is being carried out.
	PhaseProgressing Phase = "Progressing"
	// PhaseReady: clients are served and messages are kept.
	PhaseReady Phase = "Ready"
	// PhaseDegraded: something is missing; the conditions say what.
	PhaseDegraded Phase = "Degraded"
	// PhasePaused: spec.paused stops the operator.
	PhasePaused Phase = "Paused"
	// PhaseDeleting: the ChatCluster is being deleted.
	PhaseDeleting Phase = "Deleting"
)

// BackboneStatus is what the operator sees of NATS.
type BackboneStatus struct {
	// Type as in the spec.
	// +optional
	Type BackboneType `json:"type,omitempty"`
	// Summary for people, such as "3/3 Strict" or "External 2.15.2".
	// +optional
	Summary string `json:"summary,omitempty"`
	// Version of the NATS server that the operator talks to.
	// +optional
	Version string `json:"version,omitempty"`
	// Durability in force. Empty on an external backbone, whose settings the operator can't see.
	// +optional
	Durability Durability `json:"durability,omitempty"`
	// Ready is the number of servers that are up.
	// +optional
	Ready int32 `json:"ready,omitempty"`
	// Streams is the number of streams and buckets that are there and have all their replicas.
	// +optional
	Streams int32 `json:"streams,omitempty"`
}

// AutoscalingStatus says who sets the number of nodes.
type AutoscalingStatus struct {
	// Driver is HPA, or None if the spec gives the number.
	// +optional
	Driver string `json:"driver,omitempty"`
	// Reason for people.
	// +optional
	Reason string `json:"reason,omitempty"`
}

// Revision is what pods were made with.
type Revision struct {
	// Template is the number of the operator's pod template for chat nodes.
	Template int32 `json:"template"`
	// BackboneTemplate is that for the servers of a managed backbone.
	BackboneTemplate int32 `json:"backboneTemplate"`
	// Image is the node image that was the default.
	Image string `json:"image"`
	// BackboneImage is the NATS image that was the default.
	BackboneImage string `json:"backboneImage"`
}

// Types of conditions.
const (
	// ConditionReady is True if clients are served and messages are kept.
	ConditionReady = "Ready"
	// ConditionBackboneReady is True if NATS is up and all streams and buckets have all their replicas.
	ConditionBackboneReady = "BackboneReady"
	// ConditionNodesReady is True if as many chat nodes are ready as wanted.
	ConditionNodesReady = "NodesReady"
	// ConditionProgressing is True while a change is being carried out.
	ConditionProgressing = "Progressing"
	// ConditionDegraded is True while clients are served but something is missing.
	ConditionDegraded = "Degraded"
	// ConditionPaused is True while spec.paused stops the operator.
	ConditionPaused = "Paused"
)

// Reasons of conditions. Each is said of the condition types named with it.
const (
	// ReasonAsExpected: everything is as the spec wants it (all types).
	ReasonAsExpected = "AsExpected"
	// ReasonPaused: spec.paused is set (Paused, Progressing).
	ReasonPaused = "Paused"
	// ReasonNotPaused: spec.paused is not set (Paused).
	ReasonNotPaused = "NotPaused"
	// ReasonBackboneNotReady: see BackboneReady (Ready, Degraded).
	ReasonBackboneNotReady = "BackboneNotReady"
	// ReasonNodesNotReady: see NodesReady (Ready, Degraded).
	ReasonNodesNotReady = "NodesNotReady"
	// ReasonConnecting: the backbone has not answered yet (BackboneReady).
	ReasonConnecting = "Connecting"
	// ReasonUnreachable: no NATS server answers; the message says what was tried and how it failed (BackboneReady).
	ReasonUnreachable = "Unreachable"
	// ReasonSecretMissing: a secret that the spec names isn't there (BackboneReady, NodesReady).
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretInvalid: a secret that the spec names lacks a key or can't be used (BackboneReady, NodesReady).
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonUnauthorized: NATS refuses the credentials (BackboneReady).
	ReasonUnauthorized = "Unauthorized"
	// ReasonPermissionDenied: the credentials lack a right that is needed; the message names it (BackboneReady).
	ReasonPermissionDenied = "PermissionDenied"
	// ReasonNoJetStream: the account has no JetStream (BackboneReady).
	ReasonNoJetStream = "NoJetStream"
	// ReasonTooOld: the NATS server's version is too old (BackboneReady).
	ReasonTooOld = "TooOld"
	// ReasonStreamsFailed: streams or buckets can't be made or have the wrong settings (BackboneReady).
	ReasonStreamsFailed = "StreamsFailed"
	// ReasonReplicasLag: streams or buckets lack replicas or a leader (BackboneReady, Degraded).
	ReasonReplicasLag = "ReplicasLag"
	// ReasonVolumeNotBound: a server waits for its volume (BackboneReady).
	ReasonVolumeNotBound = "VolumeNotBound"
	// ReasonImageUnavailable: a container's image can't be had (BackboneReady, NodesReady).
	ReasonImageUnavailable = "ImageUnavailable"
	// ReasonUnschedulable: no Kubernetes node takes a pod (BackboneReady, NodesReady).
	ReasonUnschedulable = "Unschedulable"
	// ReasonCrashing: a container ends again and again (BackboneReady, NodesReady).
	ReasonCrashing = "Crashing"
	// ReasonStarting: pods are being started (BackboneReady, NodesReady, Progressing).
	ReasonStarting = "Starting"
	// ReasonRollingOut: pods are being replaced (Progressing).
	ReasonRollingOut = "RollingOut"
	// ReasonScaling: the number of pods is changing (Progressing).
	ReasonScaling = "Scaling"
	// ReasonServersDown: servers of the backbone are down while enough are up (BackboneReady, Degraded).
	ReasonServersDown = "ServersDown"
	// ReasonApplyFailed: the API server refuses a child; the message says which and why (Progressing, Degraded).
	ReasonApplyFailed = "ApplyFailed"
	// ReasonAPIMissing: something is asked for whose API the cluster doesn't have (Degraded).
	ReasonAPIMissing = "APIMissing"
	// ReasonNameTaken: a child's name is taken by an object of somebody else (Progressing, Degraded).
	ReasonNameTaken = "NameTaken"
	// ReasonDeleting: the ChatCluster is being deleted (Ready).
	ReasonDeleting = "Deleting"
)
