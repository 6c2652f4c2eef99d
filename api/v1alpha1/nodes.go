package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultNodes is the number of chat nodes if neither replicas nor autoscaling is given: two, so that one may end.
const DefaultNodes = 2

// NodesSpec describes the chat nodes: a choice of what a pod can be told, never a whole pod.
type NodesSpec struct {
	// Replicas is the number of nodes, 2 if absent, or as many as autoscaling left. It must be absent with autoscaling. An autoscaler of
	// your own can write it through the scale subresource, if you set it first.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// Resources of a node. Given at all, it replaces the default as a whole.
	// +kubebuilder:default={requests: {cpu: "100m", memory: "128Mi"}, limits: {memory: "512Mi"}}
	// +kubebuilder:validation:XValidation:rule="!has(self.claims)",message="is not supported",fieldPath=".claims",reason=FieldValueForbidden
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	PodPlacement `json:",inline"`

	// Env adds environment variables. A CHATNODE_… variable stands in for a flag that has no field here; what has a field wins.
	// +kubebuilder:validation:MaxItems=64
	// +listType=map
	// +listMapKey=name
	// +optional
	Env []EnvVar `json:"env,omitempty"`
}

// EnvVar is one environment variable with a plain value.
type EnvVar struct {
	// Name of the variable.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	Name string `json:"name"`
	// Value of the variable, taken as it is.
	// +kubebuilder:validation:MaxLength=4096
	Value string `json:"value"`
}

// PodPlacement says where pods run, and what is written on them.
type PodPlacement struct {
	// NodeSelector limits the Kubernetes nodes to those with these labels.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Tolerations of taints.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// PriorityClassName of the pods.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// PodAnnotations are added to the pods.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`

	// PodLabels are added to the pods. Labels of chatfleet win.
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	PodLabels map[string]string `json:"podLabels,omitempty"`
}

// AutoscalingSpec lets the number of nodes follow their load.
//
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",message="must not be greater than maxReplicas",fieldPath=".minReplicas"
type AutoscalingSpec struct {
	// MinReplicas is the least number of nodes, at least 2.
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=1000
	// +kubebuilder:default=2
	// +optional
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// MaxReplicas is the greatest number of nodes.
	// +kubebuilder:validation:Minimum=2
	// +kubebuilder:validation:Maximum=1000
	MaxReplicas int32 `json:"maxReplicas"`

	// CPUUtilization is the wanted CPU use of a node, in percent of what it requests.
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=400
	// +kubebuilder:default=70
	// +optional
	CPUUtilization int32 `json:"cpuUtilization,omitempty"`

	// MemoryUtilization is the wanted memory use of a node, in percent of what it requests. Absent: memory doesn't scale.
	// +kubebuilder:validation:Minimum=10
	// +kubebuilder:validation:Maximum=400
	// +optional
	MemoryUtilization *int32 `json:"memoryUtilization,omitempty"`

	// ScaleUp overrides how fast nodes are added: by default at most doubled, or 4 more, every 15 seconds.
	// What is left out keeps these defaults.
	// +optional
	ScaleUp *autoscalingv2.HPAScalingRules `json:"scaleUp,omitempty"`

	// ScaleDown overrides how fast nodes are taken away: by default one at a time, after 5 minutes of less load.
	// What is left out keeps these defaults.
	// +optional
	ScaleDown *autoscalingv2.HPAScalingRules `json:"scaleDown,omitempty"`
}

// DrainSpec is how a node gives its connections away before it ends.
type DrainSpec struct {
	// Period over which a node closes its connections, at most 1h.
	// +kubebuilder:default="2m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]') && self.matches('^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}ms)?$') && duration(self) <= duration('1h')",message="must be a duration between 0s and 1h, such as 90s or 2m"
	// +optional
	Period *metav1.Duration `json:"period,omitempty"`

	// ReconnectsPerSecond that the rest of the fleet should have to take at most during a rolling update.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +kubebuilder:default=500
	// +optional
	ReconnectsPerSecond int32 `json:"reconnectsPerSecond,omitempty"`
}
